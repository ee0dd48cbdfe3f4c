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

/** A field at the top and up to three levels below it (`req.headers.authorization`). */
function pathsTo(field: string): string[] {
  const quoted = `["${field}"]`
  return [quoted, `*${quoted}`, `*.*${quoted}`, `*.*.*${quoted}`]
}

/**
 * The program's log. A line is written before the call returns, so the last words of a process are not lost. Secrets are
 * removed by the name of their field, up to three levels deep; URLs lose their user and password.
 */
export function createLogger({ level, format, stream }: LoggerOptions): Logger {
  const sink = stream ?? pino.destination({ dest: 1, sync: true })
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
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
