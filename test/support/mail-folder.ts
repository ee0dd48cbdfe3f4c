import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { PATIENCE } from '../../vitest.config.ts'

interface MailFile {
  readonly file: string
  readonly mail: string
}

/** What lies in a mail folder, also what is being written; none where there is no folder. What goes meanwhile is not there. */
export function filesIn(folder: string): readonly MailFile[] {
  return (orNothing(() => readdirSync(folder)) ?? []).flatMap((file) => {
    const mail = orNothing(() => readFileSync(join(folder, file), 'utf8'))
    return mail === undefined ? [] : [{ file, mail }]
  })
}

/** The mails in a folder that are whole. */
export const mailsIn = (folder: string): readonly MailFile[] =>
  filesIn(folder).filter(({ file }) => !file.startsWith('.'))

/** A mail with its lines and signs as they were written: it lies there as quoted-printable (RFC 2045). */
export const readable = (mail: string): string => mail.replaceAll('=\r\n', '').replaceAll('=3D', '=')

/** The mails to an address, with their lines and signs as they were written. */
export const mailsTo = (folder: string, address: string): readonly MailFile[] =>
  mailsIn(folder)
    .filter(({ mail }) => isTo(mail.toLowerCase(), address.toLowerCase()))
    .map(({ file, mail }) => ({ file, mail: readable(mail) }))

function isTo(mail: string, address: string): boolean {
  const to = /^to: (?:[^\r\n]|\r\n )*/m.exec(mail)?.[0] ?? ''
  return to === `to: ${address}` || to.endsWith(`<${address}>`)
}

/** The mail to an address that holds this, once there is one; of several, the one whose file's name is the last. */
export const mailTo = (folder: string, address: string, part = ''): Promise<string> =>
  vi.waitFor(() => {
    const found = mailsTo(folder, address).findLast(({ mail }) => mail.includes(part))
    if (found === undefined) throw new Error(`no mail to ${address} holds "${part}"`)
    return found.mail
  }, PATIENCE)

function orNothing<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}
