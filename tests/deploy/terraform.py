"""Terraform modules as data: what they declare, what they refer to, and their templates with values in."""

import dataclasses
import pathlib
import re

import hcl2

# `local.x`, `module.x.y`, `data.type.name.attribute`, `aws_vpc.this.id`; a bracket may stand between.
REFERENCE = re.compile(r"(?<![\w.\"/:-])((?:var|local|module|data|ephemeral|path|each|count|(?:aws|random)_\w+)"
                       r"(?:\[[^\]]*\]|\.[\w*]+)+)")


def plain(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def tidy(node):
    """Without the parser's own marks and the quotes of names and of plain strings."""
    if isinstance(node, dict):
        return {plain(key): tidy(value) for key, value in node.items() if not key.startswith("__")}
    if isinstance(node, list):
        return [tidy(value) for value in node]
    return plain(node) if isinstance(node, str) else node


def texts(node):
    """Every string of a tree, whatever it stands in."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def references(node) -> list:
    """(`module`, `bucket`, `name`) and the like: what stands in brackets is left out, and looked into."""
    found = []
    for text in texts(node):
        for match in REFERENCE.findall(text):
            found.append(tuple(re.sub(r"\[[^\]]*\]", "", match).split(".")))
            found += [part for bracket in re.findall(r"\[([^\]]*)\]", match) for part in references(bracket)]
    return found


# https://developer.hashicorp.com/terraform/language/functions
FUNCTIONS = set("""
    abs ceil floor log max min parseint pow signum
    chomp endswith format formatlist indent join lower regex regexall replace split startswith strcontains strrev
    substr templatestring title trim trimprefix trimspace trimsuffix upper
    alltrue anytrue chunklist coalesce coalescelist compact concat contains distinct element flatten index keys length
    list lookup map matchkeys merge one range reverse setintersection setproduct setsubtract setunion slice sort sum
    transpose values zipmap
    base64decode base64encode base64gzip csvdecode jsondecode jsonencode textdecodebase64 textencodebase64 urlencode
    yamldecode yamlencode
    abspath basename dirname file filebase64 fileexists fileset pathexpand templatefile
    formatdate plantimestamp timeadd timecmp timestamp
    base64sha256 base64sha512 bcrypt filebase64sha256 filebase64sha512 filemd5 filesha1 filesha256 filesha512 md5
    rsadecrypt sha1 sha256 sha512 uuid uuidv5
    cidrhost cidrnetmask cidrsubnet cidrsubnets
    can ephemeralasnull issensitive nonsensitive sensitive tobool tolist tomap tonumber toset tostring try type
    object set tuple optional
""".split())
CALL = re.compile(r"(?<![\w.\"-])([a-z][a-z0-9_]*)\(")


@dataclasses.dataclass
class Block:
    kind: str  # `resource`, `data`, `module` …
    type: str  # Of resource, data and ephemeral: `aws_vpc`.
    name: str
    body: dict


class Module:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.blocks = []
        for file in sorted(folder.glob("*.tf")):
            for kind, entries in tidy(hcl2.loads(file.read_text())).items():
                for entry in entries:
                    self._take(kind, entry)

    def _take(self, kind: str, entry: dict):
        if kind in ("resource", "data", "ephemeral"):
            for type_, named in entry.items():
                self.blocks += [Block(kind, type_, name, body) for name, body in named.items()]
        elif kind == "locals":
            self.blocks += [Block("local", "", name, {"value": value}) for name, value in entry.items()]
        elif kind in ("terraform", "provider"):
            self.blocks.append(Block(kind, "", kind, entry))
        else:
            self.blocks += [Block(kind, "", name, body) for name, body in entry.items()]

    def of(self, kind: str, type_: str = "") -> dict:
        """Bodies by name."""
        return {block.name: block.body for block in self.blocks if block.kind == kind and block.type == type_}

    def calls(self) -> dict:
        """(folder, arguments) of the modules that it calls, by name."""
        return {name: (self.folder / body["source"], body) for name, body in self.of("module").items()}

    # --- what is wrong with it ------------------------------------------------------------------------

    def _declared(self) -> set:
        found = {("path", "module")}
        for block in self.blocks:
            if block.kind == "variable":
                found.add(("var", block.name))
            elif block.kind in ("local", "module"):
                found.add((block.kind, block.name))
            elif block.kind == "resource":
                found.add((block.type, block.name))
            elif block.kind in ("data", "ephemeral"):
                found.add((block.kind, block.type, block.name))
        return found

    def _used(self) -> set:
        """What its blocks refer to, those of a variable's own validation left out."""
        return {reference for block in self.blocks if block.kind != "variable"
                for reference in references(block.body)}

    def unresolved(self) -> list:
        declared, found = self._declared(), []
        for block in self.blocks:
            for reference in references(block.body):
                if reference[0] in ("each", "count"):
                    by = "for_each" if reference[0] == "each" else "count"
                    known = by in block.body
                elif reference[0] == "module" and reference[:2] in declared:
                    outputs = Module(self.calls()[reference[1]][0]).of("output")
                    known = len(reference) == 2 or reference[2] in outputs
                else:
                    known = reference[:3 if reference[0] in ("data", "ephemeral") else 2] in declared
                if not known:
                    found.append(f"{self.folder.name}: {block.kind} {block.type} {block.name}: {'.'.join(reference)}")
        return found

    def unknown_functions(self) -> list:
        called = {name for block in self.blocks for text in texts(block.body) if text.startswith("${")
                  for name in CALL.findall(re.sub(r'"(?:[^"\\$]|\\.|\$(?!\{))*"', '""', text))}
        return sorted(called - FUNCTIONS)

    def unused(self) -> list:
        used = {reference[:length] for reference in self._used() for length in (2, 3)}
        return [f"{self.folder.name}: {'.'.join(one)}" for one in sorted(self._declared() - used)
                if one[0] in ("var", "local", "data", "ephemeral")]

    def undescribed(self) -> list:
        """Variables and outputs that lack a description, and variables that lack a type."""
        return [f"{self.folder.name}: {block.kind} {block.name}" for block in self.blocks
                if block.kind in ("variable", "output") and not block.body.get("description")
                or block.kind == "variable" and "type" not in block.body]

    def badly_called(self) -> list:
        """Calls of modules with arguments that these do not know, or without some that they need."""
        found = []
        for name, (folder, body) in self.calls().items():
            variables = Module(folder).of("variable")
            given = set(body) - {"source", "for_each", "count", "depends_on", "providers"}
            found += [f"{name}: {argument} is no variable of it" for argument in sorted(given - set(variables))]
            found += [f"{name}: {argument} is missing" for argument, of in variables.items()
                      if "default" not in of and argument not in given]
        return found

    def templates(self) -> list:
        """(file, names of the values) of each call of templatefile."""
        found = []
        for text in (text for block in self.blocks for text in texts(block.body)):
            for call in re.finditer(r'templatefile\("\$\{path\.module\}/([^"]+)", \{', text):
                found.append((self.folder / call[1], top_level_keys(text[call.end():])))
        return found


def top_level_keys(text: str) -> set:
    """Keys of an object whose opening brace is just before the text."""
    keys, depth = set(), 0
    for match in re.finditer(r"([{(\[])|([})\]])|([A-Za-z_]\w*)\s*=(?![=>])", text):
        if match[1]:
            depth += 1
        elif match[2]:
            depth -= 1
            if depth < 0:
                break
        elif depth == 0:
            keys.add(match[3])
    return keys


def all_modules(root: pathlib.Path) -> list:
    """The root module and all that are called from it."""
    found, waiting = [], [root]
    while waiting:
        module = Module(waiting.pop())
        if module.folder.resolve() not in [one.folder.resolve() for one in found]:
            found.append(module)
            waiting += [folder for folder, _ in module.calls().values()]
    return found


# --- templates ------------------------------------------------------------------------------------------

DIRECTIVE = re.compile(r"%\{\s*(for|endfor|if|endif)\b\s*(.*?)\s*~\}\n")


def names_in(template: str) -> set:
    """Values that a template asks for."""
    asked, own = set(), set()
    for kind, rest in DIRECTIVE.findall(template):
        if kind == "for":
            names, _, collection = rest.partition(" in ")
            own |= {name.strip() for name in names.split(",")}
            asked.add(collection.partition(".")[0])
        elif kind == "if":
            asked.add(rest.split()[0])
    for expression in re.findall(r"(?<!\$)\$\{([^}]*)\}", template):
        inner = re.sub(r'"[^"]*"', "", re.sub(r"\w+\(", "", expression))
        asked |= {name.partition(".")[0] for name in re.findall(r"[A-Za-z_][\w.]*", inner)}
    return asked - own


def rendered(template: str, values: dict) -> str:
    """What Terraform makes of it, as far as the templates here go: `for` over a map, `if` that compares with a
    text, values and their parts, `replace`."""
    out, at = [], 0
    opened = re.compile(DIRECTIVE.pattern)
    while match := opened.search(template, at):
        out.append(_filled(template[at:match.start()], values))
        body, at = _body_of(template, match)
        kind, rest = match[1], match[2]
        if kind == "for":
            names, _, collection = rest.partition(" in ")
            key, value = (name.strip() for name in names.split(","))
            out += [rendered(body, {**values, key: k, value: v}) for k, v in _value(collection, values).items()]
        else:
            left, operator, right = re.fullmatch(r'(\w+) (==|!=) "([^"]*)"', rest).groups()
            if (values[left] == right) == (operator == "=="):
                out.append(rendered(body, values))
    return "".join(out) + _filled(template[at:], values)


def _body_of(template: str, opening: re.Match) -> tuple:
    depth = 1
    for match in DIRECTIVE.finditer(template, opening.end()):
        depth += -1 if match[1].startswith("end") else 1
        if depth == 0:
            return template[opening.end():match.start()], match.end()
    raise ValueError(f"'{opening[0].strip()}' has no end")


def _value(path: str, values: dict):
    for part in path.split("."):
        values = values[part]
    return values


def _filled(text: str, values: dict) -> str:
    def fill(match: re.Match) -> str:
        if call := re.fullmatch(r'replace\(([\w.]+), "([^"]*)", "([^"]*)"\)', match[1]):
            return str(_value(call[1], values)).replace(call[2], call[3])
        return str(_value(match[1], values))

    return re.sub(r"(?<!\$)\$\{([^}]*)\}", fill, text)
