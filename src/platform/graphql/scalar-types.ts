/**
 * What our scalars are in a caller's TypeScript, as answers and as variables. Code generators type what is left out as
 * `any`, and ids in inputs as `string | number`.
 */
export const SCALAR_TYPES: Readonly<Record<string, string>> = {
  ID: 'string',
  BigInt: 'string',
  CurrencyCode: 'string',
  Cursor: 'string',
  Date: 'string',
  DateTime: 'string',
  DateTimeOrDuration: 'string',
  Decimal: 'string',
  Duration: 'string',
  EmailAddress: 'string',
  JSON: 'unknown',
  URL: 'string',
}
