// People of a server that sweeps, who sign in, come and go, and have themselves erased.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'vitest'
import { decodeId } from '../../src/platform/lib/ids.ts'
import type { House } from '../domains/house.ts'
import { type Caller, caller, PASSWORD, sessionOf } from '../domains/people.ts'
import { mailsIn } from '../support/mail-folder.ts'
import { runSql } from '../support/sql.ts'

/** What people who are erased here say their browser is. */
export const AGENT = 'FeatherstoneBrowser/1.0'

/** Invites somebody into the workspace of the caller; what is returned is the token. */
export async function invited(by: Caller, email: string, role = 'MEMBER'): Promise<string> {
  const answer = await by.mutate('inviteMember', { email, role })
  if (typeof answer.secret !== 'string') throw new Error(JSON.stringify(answer))
  return answer.secret
}

/** Accepts an invite; what is returned speaks in its workspace. */
export async function joined(house: House, token: string, into: Caller): Promise<Caller> {
  const session = sessionOf(await into.mutate('acceptInvite', { inviteToken: token }, 'accessToken { token }'))
  return caller(house, session.accessToken.token, { 'user-agent': AGENT })
}

/** What is waited for comes; nobody waits until the session that asked is surely forgotten. */
export async function certificateFor(house: House, id: string): Promise<string> {
  for (const begun = Date.now(); Date.now() - begun < 20_000; await setTimeout(50)) {
    await runSql(house.ownerUrl, `update erasure set next_try_at = now() where status <> 'SUCCEEDED'`)
    const [row] = await runSql<{ status: string }>(
      house.ownerUrl,
      `select status from account_erasure where 'account_erasure_' || id = $1`,
      [id],
    )
    if (row?.status !== 'SUCCEEDED') continue
    return readFile(join(house.mailFolder, `account-erased-${decodeId('account_erasure', id)}.eml`), 'utf8')
  }
  throw new Error('no certificate came')
}

/** The mails in the folder that are to this address. */
export function mailsFor(house: House, address: string) {
  return mailsIn(house.mailFolder).filter(({ mail }) =>
    mail.split('\r\n').some((line) => line === `To: ${address}` || line.endsWith(`<${address}>`)),
  )
}

/** Has a person sign in with another address from now on; the old one is told by mail. */
export async function move(house: House, person: Caller, from: string, to: string): Promise<void> {
  const [known, told] = [mailsFor(house, to), mailsFor(house, from)]
  const input = { email: to, currentPassword: PASSWORD }
  expect(await person.mutate('requestEmailChange', input)).toMatchObject({ accepted: true })
  await expect.poll(() => mailsFor(house, to), { timeout: 10_000 }).toHaveLength(known.length + 1)
  const isNew = ({ file }: { file: string }) => !known.some((mail) => mail.file === file)
  const plain = mailsFor(house, to).find(isNew)?.mail.replaceAll('=\r\n', '').replaceAll('=3D', '=') ?? ''
  const token = /confirm-email\?token=(\S+)/.exec(plain)?.[1]
  expect(await person.mutate('confirmEmailChange', { token })).toMatchObject({ email: to })
  await expect.poll(() => mailsFor(house, from), { timeout: 10_000 }).toHaveLength(told.length + 1)
}
