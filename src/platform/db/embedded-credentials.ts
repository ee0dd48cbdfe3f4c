import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { StartFault } from '../lib/start-fault.ts'
import type { Account } from './embedded-account.ts'
import { type Place, writePrivateFile } from './embedded-place.ts'

/** Kept inside the data folder: they cannot get separated from the data they belong to. */
const CREDENTIALS_FILE = 'cadre.json'

export interface Credentials {
  readonly adminPassword: string
  readonly password: string
  readonly port: number
}

/** Throws a StartFault when the data is there and the password to it is not. */
export function readCredentials({ dataDir, visible }: Place): Credentials {
  const file = join(dataDir, CREDENTIALS_FILE)
  if (!existsSync(file)) {
    throw new StartFault(
      `${visible} holds a database, but not the password to it (${CREDENTIALS_FILE} is missing).`,
      `Restore that file, or move ${visible} away to begin with an empty database.`,
    )
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Credentials
}

/** Written aside and moved into place: a crash leaves the old file or the new one. */
export function writeCredentials(folder: string, credentials: Credentials, account: Account | undefined): void {
  const file = join(folder, CREDENTIALS_FILE)
  rmSync(`${file}.new`, { force: true })
  writePrivateFile(`${file}.new`, `${JSON.stringify(credentials)}\n`, account)
  renameSync(`${file}.new`, file)
}

/** Where the server is reached, by its owner and by its superuser. */
export function urls(place: Place): { url: string; adminUrl: string } {
  const { adminPassword, password, port } = readCredentials(place)
  return {
    url: `postgresql://cadre:${password}@127.0.0.1:${port}/cadre`,
    adminUrl: `postgresql://postgres:${adminPassword}@127.0.0.1:${port}/postgres`,
  }
}
