// Every setting, read once. The only file that looks at the environment; the rest of the program receives the frozen
// groups it needs. A setting that is present but empty counts as absent, as shells and compose files produce them.

import { resolve } from 'node:path'
import { z } from 'zod'
import { type OidcConfig, oidcFaults, oidcOf, oidcSettings } from './config-oidc.ts'
import { isWebOrigin } from './platform/http/cors.ts'
import { StartFault } from './platform/lib/start-fault.ts'
import { parseKey } from './platform/secrets/keyring.ts'

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
export const LOG_FORMATS = ['pretty', 'json'] as const
export const LIMITS_STORES = ['memory', 'postgres'] as const
const SWITCH = ['on', 'off'] as const
const SIGN_UP = ['open', 'invited'] as const

const MEBIBYTE = 1024 * 1024
const SAMPLE_LEADS = 6

export interface Config {
  readonly database: {
    /** The owner's URL; undefined starts the embedded PostgreSQL. */
    readonly url: string | undefined
    /** Logins that are cadre_app and cadre_system; undefined: the owner changes into the roles. */
    readonly appUrl: string | undefined
    readonly systemUrl: string | undefined
    /** Past a transaction-mode pooler, for what needs a session: migrations, LISTEN, locks. */
    readonly directUrl: string | undefined
    readonly poolApp: number
    readonly poolSystem: number
  }
  readonly http: {
    readonly host: string
    /** 0 lets the system choose. */
    readonly port: number
    /** How the world reaches us, without a slash at the end; undefined: as the socket says. */
    readonly publicUrl: string | undefined
    /** How many proxies in front of us may say whom they speak for; 0: none. */
    readonly trustProxy: number
    readonly maxBodyBytes: number
    /** Origins whose pages may call us from a browser: `https://app.example.com`. */
    readonly corsOrigins: readonly string[]
    /** Whether there is a page at `/`. */
    readonly startPage: boolean
  }
  readonly graphql: {
    /** Whether the schema may be asked for: while one develops, and not where only known documents are taken, unless told. */
    readonly introspection: boolean
    /** Whether browsers get a page to play with; as above unless told. */
    readonly graphiql: boolean
    /** The absolute path of a manifest, or of a folder of them; undefined: no documents but the server's own are known. */
    readonly trustedDocuments: string | undefined
    /** Whether documents that are not known are refused. */
    readonly trustedDocumentsOnly: boolean
  }
  readonly limits: {
    /** What the operations of one credential may cost in a minute. */
    readonly costPerMinute: number
    /** What those of one address may without a credential. */
    readonly costPerMinuteAnonymous: number
    /** Where is counted what they cost; in PostgreSQL all processes on one database share it. */
    readonly store: (typeof LIMITS_STORES)[number]
  }
  readonly log: { readonly level: (typeof LOG_LEVELS)[number]; readonly format: (typeof LOG_FORMATS)[number] }
  readonly model: {
    /** Undefined: rehearsal, no model is asked. */
    readonly anthropicApiKey: string | undefined
    readonly anthropicBaseUrl: string | undefined
  }
  readonly mail: {
    /** Undefined: nothing is sent. */
    readonly smtpUrl: string | undefined
    readonly from: string | undefined
    /** Whether workspaces may connect mail servers with addresses of private networks. */
    readonly privateServers: boolean
  }
  readonly secrets: {
    /** What seals the credentials of workspaces: the first key seals, all open. */
    readonly keys: readonly Buffer[]
  }
  readonly accounts: {
    /** Who may make an account: anybody, or who was invited. */
    readonly signUp: (typeof SIGN_UP)[number]
  }
  /** Where people sign in besides here (OpenID Connect); undefined: nowhere. */
  readonly oidc: OidcConfig | undefined
  readonly runs: {
    /** How many runs this process works at once. */
    readonly concurrency: number
  }
  readonly demo: {
    /** How many leads a new demo workspace begins with. */
    readonly sampleLeads: number
  }
  readonly metrics: {
    /** A port that answers `/metrics` and nothing else, to whoever reaches it; 0 lets the system choose. */
    readonly port: number | undefined
    /** What opens `/metrics` on the main port; where both are set it is asked for on the other as well. */
    readonly token: string | undefined
  }
  /** The absolute folder of the embedded database and the demo key. */
  readonly dir: string
  readonly production: boolean
  /** Whether it is one of our npm scripts that runs: who ends npm means the server. No setting: npm says so. */
  readonly startedByNpm: boolean
}

/** One sentence with every setting that is wrong, and no value of a secret. */
export class ConfigError extends StartFault {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    const [count, hint] =
      faults.length === 1
        ? ['1 setting is wrong', 'Put it right, or leave it out: every setting has a default.']
        : [`${faults.length} settings are wrong`, 'Put them right, or leave them out: each has a default.']
    super(`${count}: ${faults.join(' · ')}`, hint)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** A whole number between two bounds, written in digits. */
function wholeNumber<Fallback extends number | undefined>(fallback: Fallback, min: number, max: number) {
  return z
    .string()
    .optional()
    .transform((text, context): number | Fallback => {
      if (text === undefined) return fallback
      const fault = (what: string) => {
        context.addIssue({ code: 'custom', message: what })
        return z.NEVER
      }
      if (!/^-?\d+(\.\d+)?$/.test(text)) return fault('is not a number')
      const value = Number(text)
      if (!Number.isInteger(value)) return fault('is not a whole number')
      if (value < min || value > max) return fault(`is not between ${min} and ${max}`)
      return value
    })
}

function url(...protocols: string[]) {
  return z
    .string()
    .refine(URL.canParse, { message: 'is not a URL', abort: true })
    .refine((text) => protocols.includes(new URL(text).protocol), {
      message: `does not begin with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    })
    .optional()
}

function oneOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, { error: () => `is none of ${names.join(' ')}` }).optional()
}

/** Origins with commas between them, as browsers send them: no path, no slash at the end. */
function origins() {
  return z
    .string()
    .default('')
    .transform((text, context) => {
      const found = text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))
      const wrong = found.find((origin) => !isWebOrigin(origin))
      if (wrong === undefined) return found
      context.addIssue({
        code: 'custom',
        message: `has an origin that is not written as https://app.example.com: ${wrong}`,
      })
      return z.NEVER
    })
}

/** Keys with commas between them. */
function secretKeys() {
  return z
    .string()
    .default('')
    .transform((text, context) => {
      const parts = text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))
      const keys = parts.flatMap((part) => parseKey(part) ?? [])
      if (keys.length === parts.length) return keys
      context.addIssue({
        code: 'custom',
        message: 'is not 32 bytes in base64, or several such with commas between them',
      })
      return z.NEVER
    })
}

const postgresUrl = url('postgres:', 'postgresql:')
const webUrl = url('http:', 'https:')

const settings = z.object({
  DATABASE_URL: postgresUrl,
  DATABASE_APP_URL: postgresUrl,
  DATABASE_SYSTEM_URL: postgresUrl,
  DATABASE_DIRECT_URL: postgresUrl,
  POOL_APP: wholeNumber(10, 1, 1_000),
  // A sweep holds one while it needs another.
  POOL_SYSTEM: wholeNumber(4, 3, 1_000),
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(4000, 0, 65_535),
  PUBLIC_URL: webUrl,
  TRUST_PROXY: wholeNumber(0, 0, 100),
  MAX_BODY_BYTES: wholeNumber(MEBIBYTE, 1_024, 1_024 * MEBIBYTE),
  CORS_ORIGINS: origins(),
  START_PAGE: oneOf(SWITCH).default('on'),
  INTROSPECTION: oneOf(SWITCH),
  GRAPHIQL: oneOf(SWITCH),
  TRUSTED_DOCUMENTS: z.string().optional(),
  TRUSTED_DOCUMENTS_ONLY: oneOf(SWITCH),
  COST_PER_MINUTE: wholeNumber(1_000_000, 1, 1_000_000_000),
  COST_PER_MINUTE_ANONYMOUS: wholeNumber(20_000, 1, 1_000_000_000),
  LIMITS_STORE: oneOf(LIMITS_STORES).default('memory'),
  LOG_LEVEL: oneOf(LOG_LEVELS).default('info'),
  LOG_FORMAT: oneOf(LOG_FORMATS),
  ANTHROPIC_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, { message: 'has blanks or odd characters' })
    .optional(),
  ANTHROPIC_BASE_URL: webUrl,
  SMTP_URL: url('smtp:', 'smtps:'),
  MAIL_FROM: z
    .string()
    .refine((text) => /^(?:[^<>]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/.test(text), {
      message: 'is neither an address nor "Name <address>"',
    })
    .optional(),
  ...oidcSettings,
  SIGN_UP: oneOf(SIGN_UP),
  PRIVATE_MAIL_SERVERS: oneOf(SWITCH),
  SECRET_KEY: secretKeys(),
  RUN_CONCURRENCY: wholeNumber(1_000, 1, 100_000),
  SAMPLE_LEADS: wholeNumber(undefined, 0, 100),
  METRICS_PORT: wholeNumber(undefined, 0, 65_535),
  METRICS_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{16,}$/, { message: 'is not 16 or more characters without blanks' })
    .optional(),
  CADRE_DIR: z.string().default('.cadre'),
  NODE_ENV: z.string().optional(),
})

/** Each setting's name with its default, undefined where there is none. */
export const SETTING_DEFAULTS: Readonly<Record<string, unknown>> = Object.fromEntries(
  Object.entries(settings.shape).map(([name, setting]) => [name, setting.parse(undefined)]),
)

/** Their wrong values are not repeated: a mistyped one is still nearly the secret. */
const SECRETS = new Set([
  'DATABASE_URL',
  'DATABASE_APP_URL',
  'DATABASE_SYSTEM_URL',
  'DATABASE_DIRECT_URL',
  'SMTP_URL',
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_BASE_URL',
  'METRICS_TOKEN',
  'SECRET_KEY',
  'OIDC_CLIENT_SECRET',
])

/**
 * Reads the settings. `isTty` says whether standard output is a terminal, which decides the form of the log where
 * LOG_FORMAT does not. Throws one ConfigError with every fault.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, isTty = process.stdout.isTTY === true): Config {
  const present: Record<string, string> = {}
  for (const name of Object.keys(settings.shape)) {
    const value = env[name]?.trim()
    if (value !== undefined && value !== '') present[name] = value
  }
  const parsed = settings.safeParse(present)
  const apart = oidcFaults(present)
  if (!parsed.success || apart.length > 0) {
    const alone = (parsed.error?.issues ?? []).map(({ path, message }) => {
      const name = String(path[0])
      return SECRETS.has(name) ? `${name} ${message}` : `${name} ${JSON.stringify(present[name])} ${message}`
    })
    throw new ConfigError([...alone, ...apart])
  }
  const found = parsed.data
  const production = found.NODE_ENV === 'production'
  // What costs money or leaves the house begins when somebody asks for it.
  const rehearsed = found.ANTHROPIC_API_KEY === undefined && found.SMTP_URL === undefined
  const trustedDocumentsOnly = switched(found.TRUSTED_DOCUMENTS_ONLY) ?? found.TRUSTED_DOCUMENTS !== undefined
  const playful = !production && !trustedDocumentsOnly
  return freeze({
    database: {
      url: found.DATABASE_URL,
      appUrl: found.DATABASE_APP_URL,
      systemUrl: found.DATABASE_SYSTEM_URL,
      directUrl: found.DATABASE_DIRECT_URL,
      poolApp: found.POOL_APP,
      poolSystem: found.POOL_SYSTEM,
    },
    http: {
      host: found.HOST,
      port: found.PORT,
      publicUrl: found.PUBLIC_URL?.replace(/(?<!\/)\/+$/, ''),
      trustProxy: found.TRUST_PROXY,
      maxBodyBytes: found.MAX_BODY_BYTES,
      corsOrigins: Object.freeze(found.CORS_ORIGINS),
      startPage: found.START_PAGE !== 'off',
    },
    graphql: {
      introspection: switched(found.INTROSPECTION) ?? playful,
      graphiql: switched(found.GRAPHIQL) ?? playful,
      trustedDocuments: found.TRUSTED_DOCUMENTS === undefined ? undefined : resolve(found.TRUSTED_DOCUMENTS),
      trustedDocumentsOnly,
    },
    limits: {
      costPerMinute: found.COST_PER_MINUTE,
      costPerMinuteAnonymous: found.COST_PER_MINUTE_ANONYMOUS,
      store: found.LIMITS_STORE,
    },
    log: { level: found.LOG_LEVEL, format: found.LOG_FORMAT ?? (isTty ? 'pretty' : 'json') },
    model: { anthropicApiKey: found.ANTHROPIC_API_KEY, anthropicBaseUrl: found.ANTHROPIC_BASE_URL },
    mail: {
      smtpUrl: found.SMTP_URL,
      from: found.MAIL_FROM,
      privateServers: found.PRIVATE_MAIL_SERVERS === undefined ? !production : found.PRIVATE_MAIL_SERVERS === 'on',
    },
    oidc: oidcOf(found),
    accounts: { signUp: found.SIGN_UP ?? (production ? 'invited' : 'open') },
    secrets: { keys: found.SECRET_KEY },
    runs: { concurrency: found.RUN_CONCURRENCY },
    demo: { sampleLeads: found.SAMPLE_LEADS ?? (rehearsed ? SAMPLE_LEADS : 0) },
    metrics: { port: found.METRICS_PORT, token: found.METRICS_TOKEN },
    dir: resolve(found.CADRE_DIR),
    production,
    startedByNpm: /^(?:start|server|worker)$/.test(env.npm_lifecycle_event ?? ''),
  })
}

/**
 * The environment for another Cadre that is started beside this one: ours, with these settings instead. An empty one
 * counts as absent.
 */
export function environmentWith(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...settings }
}

const switched = (setting: 'on' | 'off' | undefined): boolean | undefined =>
  setting === undefined ? undefined : setting === 'on'

function freeze(config: Config): Config {
  for (const group of Object.values(config)) Object.freeze(group)
  return Object.freeze(config)
}
