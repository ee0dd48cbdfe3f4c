import { v7 } from 'uuid'
import { notFound } from './errors.ts'

/** A new row id: UUIDv7, made here because PostgreSQL has it only from 18 on; sorts by time of creation. */
export const newId = (): string => v7()

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const isUuid = (text: string): boolean => UUID.test(text)

/** `encodeId('deal', uuid)` is `deal_<uuid>`: the public form of a row's id. */
export const encodeId = (kind: string, id: string): string => `${kind}_${id}`

/** The UUID in a public id of this kind, lower-cased; anything else is `NOT_FOUND`, as a foreign id would be. */
export function decodeId(kind: string, publicId: string, what = kind): string {
  const id = publicId.startsWith(`${kind}_`) ? publicId.slice(kind.length + 1) : ''
  if (!isUuid(id)) throw notFound(what, publicId)
  return id.toLowerCase()
}
