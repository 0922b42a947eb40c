"""What a later description of an interface takes from the clients of an earlier one.

An interface only grows. Methods, types, errors, fields and values stay as they are; what is new is a further method, type,
error or value, or a field that may be absent. So a client finds what it knows in every later daemon, and does without what
an earlier one does not have.
"""
import varlink
from varlink import scanner


def faults(earlier, later):
    """A line for each thing that a client of the earlier description, a text, would miss in the later one."""
    members = varlink.Interface(later).members
    for name, old in varlink.Interface(earlier).members.items():
        new = members.get(name)
        if new is None:
            yield f"{name}: is gone"
        elif type(new) is not type(old):
            yield f"{name}: was {kind(old)}, and is {kind(new)}"
        elif isinstance(old, scanner._Method):
            yield from changes(f"{name}, input", old.in_type, new.in_type)
            yield from changes(f"{name}, output", old.out_type, new.out_type)
        else:
            yield from changes(name, old.type, new.type)


def kind(member):
    return {"_Alias": "a type", "_Method": "a method", "_Error": "an error"}[type(member).__name__]


def changes(place, old, new):
    """The incompatible changes of a type, at one place."""
    if type(new) is not type(old):
        yield f"{place}: was {described(old)}, and is {described(new)}"
    elif isinstance(old, scanner._Struct):
        for name, field in old.fields.items():
            if name in new.fields:
                yield from changes(f"{place}.{name}", field, new.fields[name])
            else:
                yield f"{place}.{name}: is gone"
        for name in new.fields.keys() - old.fields.keys():
            if not isinstance(new.fields[name], scanner._Maybe):
                yield f"{place}.{name}: is new, and may not be absent"
    elif isinstance(old, scanner._Enum):
        yield from (f"{place}: the value {value} is gone" for value in old.fields if value not in new.fields)
    elif isinstance(old, scanner._CustomType):
        if new.name != old.name:
            yield f"{place}: was {old.name}, and is {new.name}"
    elif hasattr(old, "element_type"):
        yield from changes(place, old.element_type, new.element_type)


def described(found):
    """A type as a description writes it, without the fields and values."""
    if isinstance(found, (scanner._Maybe, scanner._Array, scanner._Dict)):
        mark = {"_Maybe": "?", "_Array": "[]", "_Dict": "[string]"}[type(found).__name__]
        return mark + described(found.element_type)
    if isinstance(found, scanner._CustomType):
        return found.name
    names = {"_Struct": "a structure", "_Enum": "an enumeration", "_Object": "object", "str": "string"}
    return names.get(type(found).__name__, type(found).__name__)
