"""Random Avro schemas, values of them, and later versions of them."""

import copy
import datetime
import decimal
import random
import uuid

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
PRIMITIVES = ["boolean", "int", "long", "float", "double", "string", "bytes"]
LOGICALS = [
    {"type": "int", "logicalType": "date"},
    {"type": "int", "logicalType": "time-millis"},
    {"type": "long", "logicalType": "time-micros"},
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "long", "logicalType": "timestamp-micros"},
    {"type": "long", "logicalType": "local-timestamp-millis"},
    {"type": "long", "logicalType": "local-timestamp-micros"},
    {"type": "string", "logicalType": "uuid"},
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 10},
    {"type": "long", "logicalType": "no-such-thing"},
]


class Generator:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.names = 0
        self.in_union = False

    def name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def record(self, depth: int = 3) -> dict:
        fields = [{"name": f"f{i}", "type": self.type(depth)} for i in range(self.random.randint(1, 6))]
        record = {"type": "record", "name": self.name("Record"), "fields": fields}
        if self.random.random() < 0.3:
            record["namespace"] = "some.where"
        return record

    def enum(self) -> dict:
        symbols = [f"S{i}" for i in range(self.random.randint(1, 5))]
        enum = {"type": "enum", "name": self.name("Enum"), "symbols": symbols}
        if self.random.random() < 0.5:
            enum["default"] = self.random.choice(symbols)
        return enum

    def type(self, depth: int):
        pick = self.random.randrange(14 if depth > 0 else 9)
        if pick < 5:
            return self.random.choice(PRIMITIVES)
        if pick < 7:
            logical = dict(self.random.choice(LOGICALS))
            # In JSON a number keeps 15 digits for certain.
            return "long" if self.in_union and logical.get("precision", 0) > 15 else logical
        if pick == 7:
            return self.enum()
        if pick == 8:
            size = self.random.choice([0, 1, 8, 17])
            fixed = {"type": "fixed", "name": self.name("Fixed"), "size": size}
            if size == 17 and not self.in_union:
                fixed.update(logicalType="decimal", precision=20, scale=5)
            return fixed
        if pick == 9:
            return {"type": "array", "items": self.type(depth - 1)}
        if pick == 10:
            return {"type": "map", "values": self.type(depth - 1)}
        if pick == 11:
            return self.record(depth - 1)
        if pick == 12:
            inner = self.not_union(depth - 1)
            return ["null", inner] if self.random.random() < 0.7 else [inner, "null"]
        return self.union(depth - 1)

    def not_union(self, depth: int):
        while True:
            made = self.type(depth)
            if not isinstance(made, list):
                return made

    def union(self, depth: int) -> list:
        """Of branches that JSON tells apart, so that what is read can be written again."""
        number = self.random.choice(["int", "long", "double"])
        branches = [number, "string", "boolean", "null",
                    {"type": "array", "items": self.random.choice(["int", "string"])}]
        if depth > 0:
            outer, self.in_union = self.in_union, True
            branches.append(self.record(0 if depth < 2 else 1))
            self.in_union = outer
        self.random.shuffle(branches)
        return branches[:self.random.randint(1, len(branches))]

    # --- values -----------------------------------------------------------------------------------

    def text(self) -> str:
        return "".join(self.random.choice(["a", "Z", "0", " ", "\"", "\\", "\n", "é", "€", "😀", "null"])
                       for _ in range(self.random.randrange(12)))

    def whole(self, bits: int) -> int:
        return self.random.getrandbits(bits) - (1 << (bits - 1)) >> self.random.randrange(bits)

    def value(self, schema):
        r = self.random
        if isinstance(schema, list):
            return self.value(r.choice(schema))
        if isinstance(schema, dict):
            return self.complex_value(schema)
        return {"null": lambda: None, "boolean": lambda: r.random() < 0.5, "int": lambda: self.whole(32),
                "long": lambda: self.whole(64), "float": lambda: float(r.randint(-2**20, 2**20)) / 64,
                "double": lambda: r.choice([r.uniform(-1e9, 1e9), 0.5, -0.0, 1e300, 5e-324]),
                "string": self.text, "bytes": lambda: r.randbytes(r.randrange(9))}[schema]()

    def complex_value(self, schema: dict):
        r = self.random
        kind, logical = schema["type"], schema.get("logicalType")
        if kind == "record":
            return {field["name"]: self.value(field["type"]) for field in schema["fields"]}
        if kind == "array":
            return [self.value(schema["items"]) for _ in range(r.choice([0, 1, 2, 5]))]
        if kind == "map":
            return {f"k{i}" + self.text(): self.value(schema["values"]) for i in range(r.choice([0, 1, 3]))}
        if kind == "enum":
            return r.choice(schema["symbols"])
        if logical == "decimal":
            digits = r.randint(1, schema["precision"])
            unscaled = r.randrange(10 ** digits) * r.choice([1, -1])
            with decimal.localcontext(prec=60):
                return decimal.Decimal(unscaled).scaleb(-schema["scale"])
        if kind == "fixed":
            return r.randbytes(schema["size"])
        if logical == "date":
            return datetime.date(1970, 1, 1) + datetime.timedelta(days=r.randint(-30000, 60000))
        if logical in ("time-millis", "time-micros"):
            time = datetime.time(r.randrange(24), r.randrange(60), r.randrange(60), r.randrange(1000) * 1000)
            return time.replace(microsecond=r.randrange(1000000)) if logical == "time-micros" else time
        if logical and "timestamp" in logical:
            step = 1000 if logical.endswith("millis") else 1
            made = EPOCH + datetime.timedelta(microseconds=r.randrange(-10**15, 4 * 10**15) // step * step)
            return made.replace(tzinfo=None) if logical.startswith("local") else made
        if logical == "uuid":
            return uuid.UUID(int=r.getrandbits(128), version=4)
        return self.value(kind)

    # --- later versions ---------------------------------------------------------------------------

    def evolve(self, schema):
        """Another version of a record; some of what was written may not be readable with it."""
        reader = copy.deepcopy(schema)
        for _ in range(self.random.randint(1, 4)):
            self.change(reader)
        return reader

    def change(self, record: dict):
        r = self.random
        fields = record["fields"]
        pick = r.randrange(9)
        if pick == 0 and len(fields) > 1:
            fields.pop(r.randrange(len(fields)))
        elif pick == 1:
            new = {"name": self.name("new"), "type": self.type(1)}
            fields.insert(r.randrange(len(fields) + 1), new)
            new["type"], new["default"] = r.choice([
                ("int", 7), ("string", "é\"x"), (["null", "string"], None), (["long", "null"], 5), ("boolean", True),
                ("double", 1.5), ({"type": "array", "items": "int"}, [1, 2]), ({"type": "map", "values": "long"}, {"a": 1}),
                ({"type": "record", "name": self.name("Added"), "fields": [{"name": "x", "type": "int"}]}, {"x": 3})])
            if r.random() < 0.1:
                del new["default"]
        elif pick == 2:
            r.shuffle(fields)
        elif pick == 3:
            field = r.choice(fields)
            field["aliases"] = [field["name"]]
            field["name"] = self.name("renamed")
        else:
            field = r.choice(fields)
            field.pop("default", None)
            field["type"] = self.changed(field["type"])

    def changed(self, schema):
        r = self.random
        if isinstance(schema, list):
            if r.random() < 0.3:
                return [s for s in schema if s != "null"] or schema
            if r.random() < 0.5:
                return r.sample(schema, len(schema))
            return schema
        if isinstance(schema, dict):
            kind = schema["type"]
            if kind == "record":
                self.change(schema)
                if r.random() < 0.2:
                    schema["aliases"] = [schema.get("namespace", "") and schema["namespace"] + "." + schema["name"] or schema["name"]]
                    schema["name"] = self.name("Renamed")
            elif kind == "enum":
                if r.random() < 0.5 and len(schema["symbols"]) > 1:
                    gone = schema["symbols"].pop(r.randrange(len(schema["symbols"])))
                    if schema.get("default") == gone:
                        del schema["default"]
                else:
                    schema["symbols"].insert(0, self.name("NEW"))
            elif kind == "array":
                schema["items"] = self.changed(schema["items"])
            elif kind == "map":
                schema["values"] = self.changed(schema["values"])
            elif r.random() < 0.3:
                return ["null", schema]
            return schema
        promoted = {"int": ["long", "float", "double"], "long": ["float", "double"], "float": ["double"],
                    "string": ["bytes"], "bytes": ["string"]}.get(schema, [])
        pick = r.randrange(4)
        if pick < 2 and promoted:
            return r.choice(promoted)
        if pick == 2:
            return [schema, "null"] if schema != "null" else schema
        return r.choice(PRIMITIVES) if r.random() < 0.3 else schema
