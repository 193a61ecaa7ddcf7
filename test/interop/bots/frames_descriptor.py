"""Prints the schema of Pipecat's protobuf frames as JSON: message → field → number, type, and how often it may be there."""

import json

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from pipecat.frames.protobufs import frames_pb2

TYPES = {number: name[5:].lower() for name, number in vars(FieldDescriptor).items() if name.startswith("TYPE_")}

file = FileDescriptorProto.FromString(frames_pb2.DESCRIPTOR.serialized_pb)
print(
    json.dumps(
        {
            "package": file.package,
            "syntax": file.syntax,
            "messages": {
                message.name: {
                    field.name: {
                        "number": field.number,
                        "type": TYPES[field.type],
                        "message": field.type_name.removeprefix(f".{file.package}.") or None,
                        "repeated": field.label == FieldDescriptor.LABEL_REPEATED,
                        "optional": field.proto3_optional,
                        "oneof": message.oneof_decl[field.oneof_index].name
                        if field.HasField("oneof_index") and not field.proto3_optional
                        else None,
                    }
                    for field in message.field
                }
                for message in file.message_type
            },
        }
    )
)
