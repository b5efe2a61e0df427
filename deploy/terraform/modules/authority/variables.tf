variable "name" {
  description = "Before the authority's name."
  type        = string
}
