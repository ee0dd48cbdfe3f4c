import { lockCaller } from '../../platform/auth/caller.ts'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { conflict } from '../../platform/lib/errors.ts'
import { raiseLimitOfMonth } from '../budgets/service.ts'
import { assertHoneypotIsNoField } from '../forms/service.ts'
import { wakeRunsWaitingForBudget } from '../runs/service.ts'
import { settingsOf, storedSettings, toldSettings, type UpdateSettingsInput } from '../settings/model.ts'
import { workspaceEvents } from './events.ts'
import { forgetWorkspaceOnCommit, isMore, lockWorkspace } from './service.ts'

/**
 * Changes the settings that are given; a default is given like any value. Needs WORKSPACE_WRITE. CONFLICT for a stale
 * `ifVersion`: settings have a version of their own; INVALID_INPUT for a honeypot that has the name of a form's field. What was
 * changed, by whom and from what stands in the log, and nowhere else. Where a month may cost more than before, the runs that
 * wait for it go on.
 */
export async function updateWorkspaceSettings(
  tx: Tx,
  { ifVersion, given }: UpdateSettingsInput,
): Promise<{ readonly id: string }> {
  const id = tx.workspaceId
  const workspace = await lockWorkspace(tx)
  await lockCaller(tx, 'WORKSPACE_WRITE')
  if (ifVersion != null && ifVersion !== workspace.settingsVersion) {
    const message = `The settings have changed: they are at version ${workspace.settingsVersion}.`
    throw conflict('STALE_VERSION', message, { kind: 'workspace', id })
  }
  const before = settingsOf(workspace.settings)
  const after = { ...before, ...given }
  const changes = changesBetween(toldSettings(before), toldSettings(after))
  if (changes.length === 0) return { id }
  const { honeypot } = after.formLimits
  if (honeypot !== before.formLimits.honeypot) await assertHoneypotIsNoField(tx, honeypot)
  const version = workspace.settingsVersion + 1
  await tx.sql
    .updateTable('workspace')
    .set({ settings: json(storedSettings(after)), settingsVersion: version, updatedAt: tx.now })
    .where('id', '=', id)
    .execute()
  appendEvents(tx, [
    { type: workspaceEvents.settingsChanged.type, subject: { kind: 'workspace', id }, data: { version }, changes },
  ])
  forgetWorkspaceOnCommit(tx, workspace.slug)
  if (isMore(after.monthlyBudget, before.monthlyBudget)) {
    await raiseLimitOfMonth(tx)
    await wakeRunsWaitingForBudget(tx)
  }
  return { id }
}
