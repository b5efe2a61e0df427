variable "name" {
  description = "Name of the registry."
  type        = string
}

variable "schemas" {
  description = "Avro schemas, by name. Each is the first version; later ones come from whoever registers them."
  type        = map(string)
}
