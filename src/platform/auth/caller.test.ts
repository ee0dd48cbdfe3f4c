import { expect, test } from 'vitest'
import type { Tx } from '../db/transaction.ts'
import { newId } from '../lib/ids.ts'
import { lockCaller } from './caller.ts'
import { PERMISSIONS, type Viewer } from './viewer.ts'

/** Nothing is looked up for these: a transaction that asked would fail for want of a database. */
const as = (viewer: Viewer) => lockCaller({ viewer } as Tx, 'WORKSPACE_WRITE')

test('the server itself may everything, in nobody’s name', async () => {
  expect(await as({ kind: 'system' })).toEqual({
    keyId: null,
    memberId: null,
    permissions: new Set(PERMISSIONS),
    expiresAt: null,
  })
})

test('who has no credential is asked for one, and no mandate of an employee nor an account alone reaches so far', async () => {
  await expect(as({ kind: 'anonymous' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  const account = { kind: 'account', accountId: newId(), sessionId: newId(), name: 'Ada' } as const
  const employee = { kind: 'employee', employeeId: newId(), runId: newId() } as unknown as Viewer
  for (const viewer of [account, employee]) {
    await expect(as(viewer)).rejects.toMatchObject({ code: 'FORBIDDEN', details: { needs: 'WORKSPACE_WRITE' } })
  }
})
