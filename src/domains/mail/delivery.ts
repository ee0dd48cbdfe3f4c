import { AppError, unavailable } from '../../platform/lib/errors.ts'
import type { Mail } from './model.ts'

/** How long a mail server may take, in milliseconds. */
export const TIMEOUTS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 } as const

/**
 * How long one mail may take in all, in milliseconds: whoever answers drop by drop keeps within every other bound, and a run
 * waits for it. What is cut off then may have been delivered.
 */
export const DEADLINE_MS = 60_000

/** A mail key is a file's name, too. Throws for what could not be one. */
export function assertKey(key: string): void {
  if (!/^[\w.-]{1,120}$/.test(key)) throw new Error('a mail key is letters, digits, dots and dashes')
}

/**
 * A mail as the server itself carries it: from the server's address, whoever writes, for there it answers for what it sends, and
 * an address that somebody has set may be anybody's. Answers go where the mail is from.
 */
export const fromServer = (mail: Mail, serverAddress: string): Mail => ({
  ...mail,
  from: { name: mail.from.name, address: serverAddress },
  replyTo: mail.replyTo ?? mail.from.address ?? undefined,
})

/** The address of a sender that may be written with a name: `Cadre <hello@cadre.example>`. */
const bareAddress = (sender: string): string => /<([^<>]+)>$/.exec(sender)?.[1] ?? sender

/** The message with its headers; keys are file names and Message-IDs, so they are checked. */
export function compose(mail: Mail, key: string, defaultFrom: string) {
  assertKey(key)
  const address = bareAddress(mail.from.address ?? defaultFrom)
  const host = address.slice(address.lastIndexOf('@') + 1)
  return {
    from: { name: mail.from.name, address },
    to: { name: mail.to.name ?? '', address: mail.to.address },
    ...(mail.replyTo === undefined ? {} : { replyTo: mail.replyTo }),
    subject: mail.subject,
    text: mail.body,
    messageId: `<${key}@${host}>`,
    disableUrlAccess: true,
    disableFileAccess: true,
  }
}

const BEFORE_CONTENT = new Set(['EDNS', 'EAUTH', 'ENOAUTH', 'EOAUTH2', 'ETLS', 'EREQUIRETLS', 'EENVELOPE', 'ECONFIG'])
const BEFORE_CONTENT_TIMEOUTS = new Set(['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT'])

/**
 * What nodemailer says of a failure, as an AppError when the mail cannot have gone out. Its `command` is no help: a
 * connection that breaks after the content is reported as of CONN too.
 */
export function surelyNotSent(err: unknown): AppError | undefined {
  if (!(err instanceof Error)) return undefined
  const { code, syscall, timeoutType, responseCode } = err as {
    code?: string
    syscall?: string
    timeoutType?: string
    responseCode?: number
  }
  // The server answered with a refusal: 4xx for now, 5xx for good.
  if (typeof responseCode === 'number' && responseCode >= 400) {
    const message = `The mail server refused: ${err.message}`.slice(0, 500)
    return responseCode >= 500 ? new AppError('CONFLICT', message, { cause: err }) : unavailable(message, 60_000)
  }
  const isEarly =
    syscall === 'connect' ||
    (code !== undefined && BEFORE_CONTENT.has(code)) ||
    (timeoutType !== undefined && BEFORE_CONTENT_TIMEOUTS.has(timeoutType))
  return isEarly ? unavailable(`The mail server cannot be used: ${err.message}`.slice(0, 500)) : undefined
}
