/*
 * Builds a tool's arguments from what is known, to the shape its JSON Schema asks for. Property names follow the domain's
 * tools and may grow an `Id` or change their case; this keeps the rehearsal working when they do. It fits, it does not
 * validate: the tool layer validates every call anyway.
 */

type Schema = Readonly<Record<string, unknown>>

/** What is known, by plain name: `submission`, `contact`, `amount`, … Undefined and null stand for unknown. */
export type Known = Readonly<Record<string, unknown>>

/**
 * The arguments for a tool's input schema, or null when something it requires is not known. With `onlyRequired`, as
 * little as it takes: a second try after a refusal.
 */
export function fitToolInput(schema: unknown, known: Known, onlyRequired = false): Record<string, unknown> | null {
  const fitted = fitObject(isRecord(schema) ? schema : {}, known, onlyRequired)
  return fitted === undefined ? null : fitted
}

function fitObject(schema: Schema, known: Known, onlyRequired: boolean): Record<string, unknown> | undefined {
  const properties = isRecord(schema.properties) ? schema.properties : undefined
  if (properties === undefined) return dropUnknown(known)
  const required = Array.isArray(schema.required) ? schema.required : []
  const result: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(properties)) {
    const isRequired = required.includes(name)
    if (onlyRequired && !isRequired) continue
    const value = fitValue(isRecord(property) ? property : {}, lookUp(known, name))
    if (value !== undefined) result[name] = value
    else if (isRequired) return undefined
  }
  return result
}

function lookUp(known: Known, name: string): unknown {
  if (name in known) return known[name]
  const plain = name.replace(/_?(id|name)$/i, '')
  return known[plain] ?? known[plain.toLowerCase()]
}

function fitValue(schema: Schema, value: unknown): unknown {
  if (value === undefined || value === null) return undefined
  const variants = schema.anyOf ?? schema.oneOf
  if (Array.isArray(variants)) return fitVariant(variants.filter(isRecord), value)
  if ('const' in schema) return sameWord(schema.const, value) ? schema.const : undefined
  if (Array.isArray(schema.enum)) return schema.enum.find((each) => sameWord(each, value))
  const type = Array.isArray(schema.type) ? (schema.type as unknown[]).find((each) => each !== 'null') : schema.type
  switch (type) {
    case 'string':
      return typeof value === 'object' ? undefined : cut(String(value), schema.maxLength)
    case 'number':
      return finite(value)
    case 'integer': {
      const number = finite(value)
      return number === undefined ? undefined : Math.round(number)
    }
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'array':
      return fitArray(schema, value)
    case 'object':
      return isRecord(value) ? fitObject(schema, value, false) : undefined
    default:
      return value
  }
}

function fitArray(schema: Schema, value: unknown): unknown[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items = isRecord(schema.items) ? schema.items : {}
  const fitted = value.map((each) => fitValue(items, each)).filter((each) => each !== undefined)
  return typeof schema.maxItems === 'number' ? fitted.slice(0, schema.maxItems) : fitted
}

/** The first variant that takes the value: for unions of objects the one whose constant (`type`, `kind`) agrees. */
function fitVariant(variants: readonly Schema[], value: unknown): unknown {
  for (const variant of variants) {
    if (variant.type === 'null') continue
    const fitted = fitValue(variant, value)
    if (fitted !== undefined) return fitted
  }
  return undefined
}

const sameWord = (a: unknown, b: unknown): boolean =>
  typeof a === 'string' && typeof b === 'string' ? a.toLowerCase() === b.toLowerCase() : a === b

const finite = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

const cut = (text: string, maxLength: unknown): string =>
  typeof maxLength === 'number' && text.length > maxLength ? text.slice(0, maxLength) : text

const dropUnknown = (known: Known): Record<string, unknown> =>
  Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined && value !== null))

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
