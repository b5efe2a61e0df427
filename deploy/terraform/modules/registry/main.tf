resource "aws_glue_registry" "this" {
  registry_name = var.name
  description   = "Schemas of weir's topics"
}

resource "aws_glue_schema" "this" {
  for_each = var.schemas

  registry_arn      = aws_glue_registry.this.arn
  schema_name       = each.key
  data_format       = "AVRO"
  compatibility     = "FULL"
  schema_definition = each.value
}
