import pino from 'pino'
import { prettyFactory } from 'pino-pretty'

export type Logger = pino.Logger
export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

export interface LoggerOptions {
  readonly level: LogLevel
  /** `pretty` for a person at a terminal, `json` for a collector: one object per line. */
  readonly format: 'pretty' | 'json'
  /** Where the lines go; standard output unless given. */
  readonly stream?: pino.DestinationStream
}

/** Fields whose value is a secret as a whole. */
const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'proxy-authorization',
  'cookie',
  'Cookie',
  'set-cookie',
  'x-api-key',
  'apiKey',
  'api_key',
  'key',
  'token',
  'secret',
  'accessToken',
  'refreshToken',
  'inviteToken',
  'password',
  'currentPassword',
  'newPassword',
  'adminPassword',
  'ANTHROPIC_API_KEY',
  'SECRET_KEY',
]

/** Fields that hold a URL: it stays readable, without its user and password. */
const URL_FIELDS = [
  'url',
  'adminUrl',
  'databaseUrl',
  'appUrl',
  'systemUrl',
  'directUrl',
  'connectionString',
  'smtpUrl',
  'DATABASE_URL',
  'DATABASE_APP_URL',
  'DATABASE_SYSTEM_URL',
  'DATABASE_DIRECT_URL',
  'SMTP_URL',
]

const REDACTED = '[redacted]'

function censor(value: unknown, path: string[]): unknown {
  if (!URL_FIELDS.includes(path.at(-1) ?? '')) return REDACTED
  return typeof value === 'string' ? value.replace(/\/\/[^\s?#]*@/g, `//${REDACTED}@`) : value
}

/** What an error may carry into the log besides its message and stack: words of ours and of protocols, never data. */
const ERROR_FIELDS = [
  'code',
  'errno',
  'syscall',
  'address',
  'port',
  'hostname',
  'status',
  'severity',
  'schema',
  'table',
  'column',
  'constraint',
  'dataType',
  'routine',
  'responseCode',
  'command',
  'requestID',
  'reason',
]

/**
 * An error without what was being worked on: PostgreSQL's `detail` repeats the row that it refuses, node's parser keeps
 * the packet that is no HTTP with all of its headers, clients keep the request. Causes are told the same way; one that is no
 * error is what was worked on: an issuer's tokens, or an answer whose getters throw when the log looks for secrets in it.
 */
function shownError(err: unknown, depth = 0): unknown {
  if (!(err instanceof Error)) return depth === 0 ? err : undefined
  const shown: Record<string, unknown> = { type: err.constructor.name, message: err.message, stack: err.stack }
  for (const field of ERROR_FIELDS) {
    const value = (err as unknown as Record<string, unknown>)[field]
    if (value !== undefined && typeof value !== 'function') shown[field] = value
  }
  if (err.cause instanceof Error && depth < 5) shown.cause = shownError(err.cause, depth + 1)
  if (err instanceof AggregateError && depth < 5) shown.errors = err.errors.map((each) => shownError(each, depth + 1))
  return shown
}

/** What is a secret wherever it stands: a key of ours or of the model's, a bearer's token, what a URL signs in with. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/\b(cadre_(?:live|test)_)[\w-]{20,}/g, '$1[redacted]'],
  [/\b(sk-ant-)[\w-]{8,}/g, '$1[redacted]'],
  [/\b(Bearer|Basic)(\s+)[\w.~+/=-]{8,}/gi, '$1$2[redacted]'],
  [/(:\/\/)[^\s/?#"\\@]*:[^\s?#"\\@]*@/g, '$1[redacted]@'],
]

/** A text for people or a log, without the secrets that are known by their shape. */
export const withoutSecrets = (line: string): string =>
  SECRET_TEXTS.reduce((text, [secret, instead]) => text.replace(secret, instead), line)

/** A field at the top and up to three levels below it (`req.headers.authorization`). */
function pathsTo(field: string): string[] {
  const quoted = `["${field}"]`
  return [quoted, `*${quoted}`, `*.*${quoted}`, `*.*.*${quoted}`]
}

/**
 * The program's log. A line is written before the call returns, so the last words of a process are not lost. Secrets are
 * removed by the name of their field, up to three levels deep, and by their shape wherever they stand; URLs lose their
 * user and password, and errors what they carry of the data that was worked on.
 */
export function createLogger({ level, format, stream }: LoggerOptions): Logger {
  const out = stream ?? pino.destination({ dest: 1, sync: true })
  const sink = { write: (line: string) => out.write(withoutSecrets(line)) }
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (err: unknown) => shownError(err) },
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...SECRET_FIELDS, ...URL_FIELDS].flatMap(pathsTo), censor },
    },
    format === 'json' ? sink : prettyLines(sink, stream === undefined && process.stdout.isTTY === true),
  )
}

/** pino-pretty's own stream is a transform and writes later; its formatter is a function and writes now. */
function prettyLines(sink: pino.DestinationStream, colorize: boolean): pino.DestinationStream {
  const format = prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss', singleLine: true })
  return { write: (line) => sink.write(format(line)) }
}
