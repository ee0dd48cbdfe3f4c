// What proves that a form was shown by us to the browser that sends it. The browser's own word for it (`own-page.ts`) is
// asked first; this holds where a browser does not say, or where a page of ours had been talked into showing a form of
// somebody else's. A token is bound to the session, and before there is one to a cookie that the browser was given with
// its first page: nobody can sign somebody else in with a form that was shown to themselves.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** A name for a browser that is not signed in. */
export const newVisitor = (): string => randomBytes(18).toString('base64url')

export const looksLikeVisitor = (text: string | undefined): text is string =>
  text !== undefined && /^[\w-]{24}$/.test(text)

/** The token of every form that is shown to this session or visitor. */
export const formToken = (key: string, boundTo: string): string =>
  createHmac('sha256', key).update(`form ${boundTo}`).digest('base64url')

export function isFormToken(key: string, boundTo: string, given: string | undefined): boolean {
  const expected = Buffer.from(formToken(key, boundTo))
  const found = Buffer.from(given ?? '')
  return found.length === expected.length && timingSafeEqual(found, expected)
}
