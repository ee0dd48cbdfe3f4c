// People of a server that sweeps, who sign in, come and go, and have themselves erased.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { decodeId } from '../../src/platform/lib/ids.ts'
import { PATIENCE } from '../../vitest.config.ts'
import type { House } from '../domains/house.ts'
import { type Caller, caller, PASSWORD, sessionOf } from '../domains/people.ts'
import { mailsTo } from '../support/mail-folder.ts'
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
  const isDone = async () => {
    await runSql(house.ownerUrl, `update erasure set next_try_at = now() where status <> 'SUCCEEDED'`)
    const [row] = await runSql<{ status: string }>(
      house.ownerUrl,
      `select status from account_erasure where 'account_erasure_' || id = $1`,
      [id],
    )
    return row?.status === 'SUCCEEDED'
  }
  await vi.waitUntil(isDone, PATIENCE)
  return readFile(join(house.mailFolder, `account-erased-${decodeId('account_erasure', id)}.eml`), 'utf8')
}

/** The mails in the folder that are to this address. */
export const mailsFor = (house: House, address: string) => mailsTo(house.mailFolder, address)

/** Has a person sign in with another address from now on; the old one is told by mail. */
export async function move(house: House, person: Caller, from: string, to: string): Promise<void> {
  const known = new Set(mailsFor(house, to).map(({ file }) => file))
  const input = { email: to, currentPassword: PASSWORD }
  expect(await person.mutate('requestEmailChange', input)).toMatchObject({ accepted: true })
  const link = () => mailsFor(house, to).find(({ file, mail }) => !known.has(file) && mail.includes('confirm-email'))
  await expect.poll(link).toBeDefined()
  const token = /confirm-email\?token=(\S+)/.exec(link()?.mail ?? '')?.[1]
  const told = () => mailsFor(house, from).filter(({ mail }) => mail.includes('no more with this address')).length
  const before = told()
  expect(await person.mutate('confirmEmailChange', { token })).toMatchObject({ email: to })
  await expect.poll(told).toBe(before + 1)
}
