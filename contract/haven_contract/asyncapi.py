"""The contract as an AsyncAPI 3.0 document, derived from the code: topics, channels, fields and their docstrings.

`python -m haven_contract.asyncapi` prints it; `docs/asyncapi.json` is the copy for readers, checked for drift.
Neither a box nor a server imports this module.
"""

import ast
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from haven_contract.channels import DOWN, UP, Channel
from haven_contract.event import NOT_SENT
from haven_contract.examples import EXAMPLES
from haven_contract.messages import SENT_PROPERTY, SESSION_EXPIRY, Event, Message, PendantVitals
from haven_contract.topics import DEVICE_ID_PATTERN, Down, Up, down, up
from haven_contract.wire import MAX_PAYLOAD, UNSAFE, VERSION, Range

Json = dict[str, Any]

_MQTT_BINDING = "0.2.0"
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}

_ABOUT = (
    "What a Haven box sends and receives over MQTT 5, seen from the box. Payloads are JSON objects in UTF-8, at most "
    f"{MAX_PAYLOAD} bytes. Unknown fields are ignored. Nothing is retained. The rules that no schema can hold "
    "(receipts, sending again, the user property `sent`, sessions) stand in contract.md beside this document."
)


def document() -> Json:
    """The whole document."""
    sent = [(what, channel, up("device", what)) for what, channel in UP.items()]
    received = [(what, channel, down("device", what)) for what, channel in DOWN.items()]
    types_ = [channel.message for _, channel, _ in sent + received]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Haven device contract", "version": str(VERSION), "description": _ABOUT},
        "defaultContentType": "application/json",
        "servers": {"broker": _broker()},
        "channels": {str(what): _channel(what, channel, topic) for what, channel, topic in sent + received},
        "operations": {f"send_{what}": _operation("send", what, channel) for what, channel, _ in sent}
        | {f"receive_{what}": _operation("receive", what, channel) for what, channel, _ in received},
        "components": {
            "schemas": {each.__name__: object_schema(each) for each in [*types_, PendantVitals]} | _unsafe_text(),
            "messages": {each.__name__: _message(each) for each in types_},
            "parameters": {
                "device": {"description": f"Device id, `{DEVICE_ID_PATTERN}`; CN of the box's certificate."}
            },
            "securitySchemes": {"certificate": {"type": "X509", "description": "Client certificate, CN = device id."}},
        },
    }


def object_schema(cls: type) -> Json:
    """JSON Schema (draft 7) of a message: every field that is sent, with what its attribute docstring says."""
    hints = get_type_hints(cls, include_extras=True)
    notes = attribute_docstrings(cls)
    sent = [each for each in fields(cls) if each.metadata != NOT_SENT]
    return {
        "type": "object",
        "description": _first_paragraph(cls),
        "required": [each.name for each in sent if _is_required(each)],
        "properties": {
            each.name: type_schema(hints[each.name]) | _default(each) | {"description": notes[each.name]}
            for each in sent
        },
    }


def type_schema(hint: Any) -> Json:
    """JSON Schema of a field's type; TypeError for a type that this module does not know yet."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(type_schema(args[0]), hint.__metadata__)
    if origin in (Union, types.UnionType) and len(args) == len((hint, None)) and types.NoneType in args:
        inner = type_schema(next(each for each in args if each is not types.NoneType))
        return inner | {"type": [inner["type"], "null"]}
    if origin is not None and issubclass(origin, Mapping):
        names, values = (True if each is Any else type_schema(each) for each in args)
        return {"type": "object", "propertyNames": names, "additionalProperties": values}
    return _class_schema(hint)


def attribute_docstrings(cls: type) -> dict[str, str]:
    """Text of the string that follows each annotated attribute in the class's source."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    body = node.body if isinstance(node, ast.ClassDef) else []
    found = {}
    for attribute, text in pairwise(body):
        if (
            isinstance(attribute, ast.AnnAssign)
            and isinstance(attribute.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[attribute.target.id] = inspect.cleandoc(str(text.value.value))
    return found


def _class_schema(cls: type) -> Json:
    if cls in _PLAIN:
        return {"type": _PLAIN[cls]}
    if cls is datetime:
        return {"type": "string", "format": "date-time"}
    if issubclass(cls, StrEnum):
        return {"type": "string", "enum": [str(word) for word in cls]}
    if is_dataclass(cls):
        return {"$ref": f"#/components/schemas/{cls.__name__}"}
    raise TypeError(f"no JSON Schema is known for {cls!r}")


def _annotated(schema: Json, metadata: Iterable[Any]) -> Json:
    for each in metadata:
        if isinstance(each, Range) and schema["type"] == "string":
            schema |= {
                "minLength": each.least,
                "maxLength": each.most,
                "not": {"$ref": "#/components/schemas/UnsafeText"},
            }
        elif isinstance(each, Range):
            schema |= {"minimum": each.least, "maximum": each.most}
        elif issubclass(each, StrEnum):
            schema |= {"examples": [str(word) for word in each]}
        else:
            raise TypeError(f"no JSON Schema is known for the annotation {each!r}")
    return schema


def _is_required(each: Field[Any]) -> bool:
    return each.name == "v" or (each.default is MISSING and each.default_factory is MISSING)


def _default(each: Field[Any]) -> Json:
    if _is_required(each) or each.default is MISSING:
        return {}
    return {"default": each.default}


def _unsafe_text() -> Json:
    return {
        "UnsafeText": {
            "type": "string",
            "pattern": UNSAFE,
            "description": "A text with control, invisible or direction-turning characters, which no field may hold.",
        }
    }


def _broker() -> Json:
    return {
        "host": "{broker}:8883",
        "protocol": "secure-mqtt",
        "protocolVersion": "5",
        "description": "The client id is the device id. Several brokers may be configured, tried in order.",
        "variables": {"broker": {"description": "Name or address of the broker, as provisioned."}},
        "security": [{"$ref": "#/components/securitySchemes/certificate"}],
        "bindings": {
            "mqtt": {"cleanSession": False, "sessionExpiryInterval": SESSION_EXPIRY, "bindingVersion": _MQTT_BINDING}
        },
    }


def _channel(what: Up | Down, channel: Channel, topic: str) -> Json:
    name = channel.message.__name__
    return {
        "address": topic.replace("/device/", "/{device}/"),
        "description": _first_paragraph(channel.message),
        "messages": {str(what): {"$ref": f"#/components/messages/{name}"}},
        "parameters": {"device": {"$ref": "#/components/parameters/device"}},
    }


def _operation(action: str, what: Up | Down, channel: Channel) -> Json:
    expiry = {} if channel.expiry_s is None else {"messageExpiryInterval": channel.expiry_s}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{what}"},
        "messages": [{"$ref": f"#/channels/{what}/messages/{what}"}],
        "bindings": {"mqtt": {"qos": channel.qos, "retain": False, **expiry, "bindingVersion": _MQTT_BINDING}},
    }


def _message(cls: type[Message]) -> Json:
    message = {
        "name": cls.__name__,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{cls.__name__}"},
    }
    example: Json = {"payload": json.loads(EXAMPLES[cls].encode())}
    if cls is Event:
        note = "MQTT user property: boot and monotonic clock, in milliseconds, at this very sending."
        pattern = "^.{1,64}:[0-9]{1,16}$"
        properties = {SENT_PROPERTY: {"type": "string", "pattern": pattern, "description": note}}
        message["headers"] = {"type": "object", "required": [SENT_PROPERTY], "properties": properties}
        example["headers"] = {SENT_PROPERTY: f"{example['payload']['boot_id']}:{example['payload']['mono_ms'] + 40}"}
    return message | {"examples": [example]}


def _first_paragraph(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]


def main() -> None:
    """Write the document to standard output."""
    sys.stdout.write(json.dumps(document(), ensure_ascii=False, indent=2) + "\n")


if __name__ == "__main__":
    main()
