import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { parse } from "yaml";

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document, walked by hand
type Json = any;

/** Wavix's published description of call control and call webhooks. */
export const spec: Json = parse(
  readFileSync(new URL("../../fixtures/wavix/openapi-calls.yaml", import.meta.url), "utf8"),
);

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat("uri", (value: string) => URL.canParse(value));
ajv.addFormat("uuid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
ajv.addFormat("date-time", (value: string) => /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value)));
ajv.addFormat("int32", { type: "number", validate: Number.isInteger });
ajv.addSchema(spec, "wavix");

/** A validator for a schema of the document, by `$ref` (`#/components/schemas/Call`). */
export function validator(ref: string): ValidateFunction {
  return ajv.compile({ $ref: `wavix${ref}` });
}

function resolve(node: Json): Json {
  if (node?.$ref === undefined) return node;
  return resolve(
    node.$ref
      .slice(2)
      .split("/")
      .reduce((at: Json, key: string) => at[key], spec),
  );
}

/** An instance of a schema, made of the examples its properties carry. */
export function exampleOf(schema: Json): Json {
  const node = resolve(schema);
  if (node.example !== undefined) return node.example;
  if (node.allOf) return exampleOf(node.allOf[0]);
  if (node.type === "array") return [exampleOf(node.items)];
  if (node.type === "object") {
    const entries = Object.entries(node.properties ?? {}).map(([key, value]) => [key, exampleOf(value)]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
  return node.enum?.[0];
}

export interface SpecOperation {
  operationId: string;
  method: string;
  path: RegExp;
  requestRef: string | undefined;
  /** Documented bodies by status: Wavix's own example, or one made of its properties' examples. */
  replies: Map<number, Json>;
}

/** Every operation of the document. */
export const operations: SpecOperation[] = Object.entries<Json>(spec.paths).flatMap(([path, item]) =>
  Object.entries<Json>(item).map(([method, operation]) => ({
    operationId: operation.operationId,
    method: method.toUpperCase(),
    path: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    requestRef: operation.requestBody?.content["application/json"].schema.$ref,
    replies: new Map(
      Object.entries<Json>(operation.responses).map(([status, response]) => {
        const content = resolve(response).content["application/json"];
        const [example] = Object.values<Json>(content.examples ?? {});
        return [Number(status), example?.value ?? exampleOf(content.schema)];
      }),
    ),
  })),
);

/** The operation that a request belongs to. Fixed paths win over templates. */
export function findOperation(method: string, path: string): SpecOperation | undefined {
  const found = operations.filter((operation) => operation.method === method && operation.path.test(path));
  return found.find((operation) => !operation.path.source.includes("[^/]+")) ?? found[0];
}
