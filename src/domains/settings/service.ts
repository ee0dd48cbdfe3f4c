import { statement } from '../../platform/db/statement.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { type Settings, settingsOf } from './model.ts'

const findSettings = statement((template) => template.selectFrom('workspace').select('workspace.settings'))

/** The workspace's settings as they hold in this transaction. One statement. */
export async function readSettings(tx: Tx): Promise<Settings> {
  const [row] = await tx.run(findSettings, {})
  return settingsOf(row?.settings ?? {})
}
