variable "name" {
  description = "The bucket's name, one of its kind in all of AWS."
  type        = string
}
