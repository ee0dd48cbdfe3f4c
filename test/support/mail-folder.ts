import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

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

function orNothing<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}
