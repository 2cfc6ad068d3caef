/**
 * Protobuf by hand, for the five messages of bot/browser/browser.proto and no others.
 *
 * Unknown fields are skipped, as protobuf demands. A torn message throws a RangeError.
 */

const FRAME = ["text", "audio", "transcription", "message", "interruption"];
/** Field 1 + index of the oneof in `Frame`. */

const FIELDS = {
  text: { 1: ["id", "uint"], 2: ["name", "string"], 3: ["text", "string"] },
  audio: {
    1: ["id", "uint"],
    2: ["name", "string"],
    3: ["audio", "bytes"],
    4: ["sample_rate", "uint"],
    5: ["num_channels", "uint"],
    6: ["pts", "uint"],
  },
  transcription: {
    1: ["id", "uint"],
    2: ["name", "string"],
    3: ["text", "string"],
    4: ["user_id", "string"],
    5: ["timestamp", "string"],
  },
  message: { 1: ["data", "string"] },
  interruption: { 1: ["id", "uint"], 2: ["name", "string"] },
};

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true });

/** `encode("message", {data: "..."})` gives the bytes of a `Frame` that holds it. */
export function encode(kind, values) {
  const body = fieldsOf(kind, values);
  return join([...tag(FRAME.indexOf(kind) + 1, BYTES), ...varint(body.length)], body);
}

function fieldsOf(kind, values) {
  let bytes = new Uint8Array();
  for (const [number, [name, type]] of Object.entries(FIELDS[kind])) {
    const value = values[name];
    if (value === undefined || value === "" || value === 0) continue; // proto3 leaves these out
    if (type === "uint") {
      bytes = join(bytes, [...tag(number, VARINT), ...varint(value)]);
    } else {
      const content = type === "string" ? toUtf8.encode(value) : value;
      bytes = join(bytes, [...tag(number, BYTES), ...varint(content.length)], content);
    }
  }
  return bytes;
}

/** The one frame in `bytes`: `{kind, ...its fields}`, or null where it holds none that we know. */
export function decode(bytes) {
  let found = null;
  for (const { number, content } of read(bytes)) {
    const kind = FRAME[number - 1];
    if (kind !== undefined && content !== null) found = { kind, ...valuesOf(kind, content) };
  }
  return found;
}

function valuesOf(kind, bytes) {
  const values = {};
  for (const [name, type] of Object.values(FIELDS[kind])) {
    if (name !== "pts") values[name] = { uint: 0, string: "", bytes: new Uint8Array() }[type];
  }
  for (const { number, integer, content } of read(bytes)) {
    const [name, type] = FIELDS[kind][number] ?? [];
    if (type === "uint" && integer !== null) values[name] = integer;
    if (type === "bytes" && content !== null) values[name] = content;
    if (type === "string" && content !== null) values[name] = fromUtf8.decode(content);
  }
  return values;
}

function* read(bytes) {
  let at = 0;
  const integer = () => {
    let value = 0;
    for (let scale = 1, read = 0; ; scale *= 128, read += 1) {
      if (at >= bytes.length || read >= 10) throw new RangeError("torn protobuf");
      const byte = bytes[at++];
      value += (byte & 0x7f) * scale; // no shifts: they would stop at 32 bits
      if (byte < 0x80) return value;
    }
  };
  const take = (count) => {
    if (count > bytes.length - at) throw new RangeError("torn protobuf");
    at += count;
    return bytes.subarray(at - count, at);
  };
  while (at < bytes.length) {
    const key = integer();
    const number = Math.floor(key / 8);
    const field = { number, integer: null, content: null };
    switch (key % 8) {
      case VARINT:
        field.integer = integer();
        break;
      case BYTES:
        field.content = take(integer());
        break;
      case FIXED64:
        take(8);
        break;
      case FIXED32:
        take(4);
        break;
      default:
        throw new RangeError("torn protobuf");
    }
    yield field;
  }
}

function tag(number, type) {
  return varint(number * 8 + type);
}

function varint(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
