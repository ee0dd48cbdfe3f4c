// The settings of sign-in with OpenID Connect, and which of them mean something only together.

import { z } from 'zod'

export interface OidcConfig {
  /** The issuer's identifier, below which its `.well-known/openid-configuration` lies. */
  readonly issuer: string
  /** As what the issuer knows us; undefined: its tokens are taken, but nobody is sent there to sign in. */
  readonly clientId: string | undefined
  /** Undefined for a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined
  /** Whom an access token of the issuer must be meant for; undefined: none is taken. */
  readonly audience: string | undefined
  /** What people call it: stands on the button. */
  readonly name: string
  /** Whether who comes with a confirmed e-mail address gets the account that has it and that nobody signs in to otherwise. */
  readonly linkByEmail: boolean
}

/** What is sent over it must not be read on the way; on this machine there is no way. */
const isSafeIssuer = (text: string): boolean => {
  const { protocol, hostname, search, hash } = new URL(text)
  const here = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)
  return (protocol === 'https:' || (protocol === 'http:' && here)) && search === '' && hash === ''
}

const visibleText = z.string().regex(/^[\x21-\x7e]+$/, { message: 'has blanks or odd characters' })

/** For the settings of `config.ts`. */
export const oidcSettings = {
  OIDC_ISSUER: z
    .string()
    .refine(URL.canParse, { message: 'is not a URL', abort: true })
    .refine(isSafeIssuer, { message: 'is not https://…, or http://… on this machine, without a query' })
    .optional(),
  OIDC_CLIENT_ID: visibleText.optional(),
  OIDC_CLIENT_SECRET: visibleText.optional(),
  OIDC_AUDIENCE: visibleText.optional(),
  OIDC_NAME: z.string().max(60, { message: 'is longer than 60 characters' }).optional(),
  OIDC_LINK_BY_EMAIL: z.enum(['on', 'off'], { error: () => 'is none of on off' }).default('off'),
}

type Found = z.output<z.ZodObject<typeof oidcSettings>>

/** What is wrong with settings that mean nothing without others, a sentence for each. */
export function oidcFaults(present: Readonly<Record<string, string>>): string[] {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_AUDIENCE: audience } = present
  if (issuer === undefined) {
    return Object.keys(oidcSettings)
      .filter((name) => name in present && !(name === 'OIDC_LINK_BY_EMAIL' && present[name] === 'off'))
      .map((name) => `${name} is set, but OIDC_ISSUER is not`)
  }
  // An ID token is meant for the client: whoever is shown one could send it here.
  if (clientId !== undefined && clientId === audience) {
    return ['OIDC_AUDIENCE is the client id, for which ID tokens are made: give the API an identifier of its own']
  }
  if (clientId !== undefined) return []
  return [
    ...(audience === undefined ? ['OIDC_ISSUER is set, but neither OIDC_CLIENT_ID nor OIDC_AUDIENCE is'] : []),
    ...(present.OIDC_CLIENT_SECRET === undefined ? [] : ['OIDC_CLIENT_SECRET is set, but OIDC_CLIENT_ID is not']),
  ]
}

/** Undefined unless an issuer is set. */
export function oidcOf(found: Found): OidcConfig | undefined {
  const issuer = found.OIDC_ISSUER
  if (issuer === undefined) return undefined
  return Object.freeze({
    issuer,
    clientId: found.OIDC_CLIENT_ID,
    clientSecret: found.OIDC_CLIENT_SECRET,
    audience: found.OIDC_AUDIENCE,
    name: found.OIDC_NAME ?? new URL(issuer).host,
    linkByEmail: found.OIDC_LINK_BY_EMAIL === 'on',
  })
}
