import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { normaliseEmail } from '../contacts/model.ts'
import { assertKey, compose, DEADLINE_MS, fromServer, surelyNotSent, TIMEOUTS } from './delivery.ts'
import type { Mail, MailRoute, SentMail } from './model.ts'

/*
 * Mail on its way out. With an SMTP server it goes there, without one it becomes an `.eml` file in the mail folder: any
 * mail program opens it. The Message-ID is made from the key of the act that sends it, so the same act carried out twice
 * is one file, and one mail to whoever compares Message-IDs. Whoever writes, it is from the server's own address.
 */

export interface MailerOptions {
  /** `smtp://user:password@host:port`, or `smtps://`. Without it mail becomes files. */
  readonly smtpUrl?: string | undefined
  /** Where the files go; made when the first is written. */
  readonly folder: string
  /** The address that all mail is from; with a name before it, as in `Cadre <hello@cadre.example>`, or without. */
  readonly defaultFrom: string
  /** How long one mail may take in all; a minute, unless a test cannot wait so long. */
  readonly deadlineMs?: number
}

export interface Mailer {
  readonly route: MailRoute
  /**
   * Sends one mail under a key. AppError: it surely did not go out (refused, no connection). Anything else that is thrown
   * leaves it open whether it did.
   */
  send(mail: Mail, key: string): Promise<SentMail>
  /** Removes what lies in the mail folder under a key, if anything does. What went to an SMTP server is gone from here. */
  forget(key: string): Promise<void>
  /** Removes what lies in the mail folder for an address, of those mails whose key is told to be among it. */
  forgetTo(address: string, isAmong: (key: string) => boolean): Promise<void>
  close(): void
}

export function createMailer(options: MailerOptions): Mailer {
  return options.smtpUrl === undefined ? fileMailer(options) : smtpMailer(options, options.smtpUrl)
}

/** Also with an SMTP server: there may have been none when the mail was sent. */
const forgetIn = (folder: string) => async (key: string) => {
  assertKey(key)
  const file = fileOf(key)
  for (const name of await namesIn(folder)) {
    // The process that wrote it may have died in the middle.
    if (name === file || name.startsWith(unfinishedOf(file))) await rm(join(folder, name), { force: true })
  }
}

/** To whom a mail goes is written in it and nowhere else. */
const forgetToIn = (folder: string) => async (address: string, isAmong: (key: string) => boolean) => {
  for (const name of await namesIn(folder)) {
    const [, key] = MAIL_FILE.exec(name) ?? []
    if (key === undefined || !isAmong(key)) continue
    const file = join(folder, name)
    const mail = await readFile(file, 'utf8').catch(nothingThere)
    if (mail !== null && isTo(mail, address)) await rm(file, { force: true })
  }
}

/** A folder is no mail, and one that was being written has another name by now. What cannot be read may be one: it throws. */
function nothingThere(err: NodeJS.ErrnoException): null {
  if (err.code === 'ENOENT' || err.code === 'EISDIR') return null
  throw err
}

/** Also one that a process did not finish. */
const MAIL_FILE = /^\.?(.+)\.eml(?:\.\d+)?$/

function isTo(mail: string, address: string): boolean {
  const [head = ''] = mail.split(/\r?\n\r?\n/, 1)
  const to = /^to:(.*(?:\r?\n[ \t].*)*)/im.exec(head)?.[1] ?? ''
  const [, bare = to.trim()] = /<([^<>]*)>\s*$/.exec(to) ?? []
  return foldAddress(bare) === foldAddress(address)
}

/** An international domain is in the mail as it is on the wire. */
const foldAddress = (address: string): string => normaliseEmail(address) ?? address.toLowerCase()

/** None where there is no folder. What cannot be read is not empty: it throws. */
const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return []
    throw err
  })

const fileOf = (key: string): string => `${key}.eml`
const unfinishedOf = (file: string): string => `.${file}.`

function fileMailer({ folder, defaultFrom }: MailerOptions): Mailer {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  return {
    route: 'FILE',
    async send(mail, key) {
      const message = compose(fromServer(mail, defaultFrom), key, defaultFrom)
      const { message: bytes } = await composer.sendMail(message)
      const file = fileOf(key)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      // Written beside and renamed: whoever looks sees a whole mail or none.
      const unfinished = join(folder, `${unfinishedOf(file)}${process.pid}`)
      await writeFile(unfinished, bytes as Buffer, { mode: 0o600 })
      await rename(unfinished, join(folder, file))
      return { messageId: message.messageId, via: 'FILE', file }
    },
    forget: forgetIn(folder),
    forgetTo: forgetToIn(folder),
    close: () => composer.close(),
  }
}

function smtpMailer({ defaultFrom, folder, deadlineMs = DEADLINE_MS }: MailerOptions, smtpUrl: string): Mailer {
  const transport = createTransport({ url: smtpUrl, ...TIMEOUTS })
  return {
    route: 'SMTP',
    async send(mail, key) {
      const message = compose(fromServer(mail, defaultFrom), key, defaultFrom)
      try {
        await transport.sendMail({ ...message, signal: AbortSignal.timeout(deadlineMs) })
      } catch (err) {
        throw surelyNotSent(err) ?? err
      }
      return { messageId: message.messageId, via: 'SMTP' }
    },
    forget: forgetIn(folder),
    forgetTo: forgetToIn(folder),
    close: () => transport.close(),
  }
}
