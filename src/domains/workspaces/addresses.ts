import { type Tx, unboundSqlOf } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { memberEvents } from './events.ts'
import { speakingAs } from './joining.ts'

/**
 * An account's members have its new e-mail address where they had the old one. Where somebody else of the workspace has the
 * new one the member's stays as it is. In an account transaction.
 */
export async function followAddress(
  tx: Tx,
  {
    accountId,
    from,
    to,
  }: {
    readonly accountId: string
    readonly from: string
    readonly to: { readonly email: string; readonly emailNormalised: string }
  },
): Promise<void> {
  const members = await unboundSqlOf(tx)
    .updateTable('member')
    .set((eb) => ({ ...to, version: eb('version', '+', 1), updatedAt: tx.now }))
    .where('accountId', '=', accountId)
    .where('removedAt', 'is', null)
    .where('emailNormalised', '=', from)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('member as other')
            .select('other.id')
            .whereRef('other.workspaceId', '=', 'member.workspaceId')
            .where('other.emailNormalised', '=', to.emailNormalised)
            .where('other.removedAt', 'is', null),
        ),
      ),
    )
    .returning(['workspaceId', 'id', 'name', 'version'])
    .execute()
  for (const { workspaceId, id, name, version } of members) {
    appendEvents(tx.within({ workspaceId, viewer: speakingAs({ accountId, name }, id) }), [
      {
        type: memberEvents.updated.type,
        subject: { kind: 'member', id },
        subjectVersion: version,
        changes: changesBetween({ email: from }, { email: to.emailNormalised }),
      },
    ])
  }
}
