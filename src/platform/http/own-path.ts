const ANYWHERE = 'http://cadre.invalid'

/**
 * The path that a link asks to go on to, where it is one of ours: `/graphql?query=…`. Undefined for anything that a browser
 * could take for another site's address (`//evil.example`, `/\evil.example`, `/%09/evil.example` with a real tab).
 */
export function ownPath(text: string | null | undefined): string | undefined {
  if (text === null || text === undefined || text.length > 2_000) return undefined
  // Browsers take a backslash for a slash, and leave out tabs and line breaks wherever they stand.
  if (!/^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(text) || !URL.canParse(text, ANYWHERE)) return undefined
  const { origin, pathname } = new URL(text, ANYWHERE)
  return origin === ANYWHERE && !pathname.startsWith('//') ? text : undefined
}
