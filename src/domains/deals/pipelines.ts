import { requirePermission } from '../../platform/auth/permissions.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { newId } from '../../platform/lib/ids.ts'
import type { CreatePipelineInput } from './model.ts'

/** Makes a pipeline with its stages, in the order given. Needs DEALS_WRITE. Gives back their ids in the same order. */
export async function createPipeline(
  tx: Tx,
  input: CreatePipelineInput,
): Promise<{ readonly id: string; readonly stageIds: readonly string[] }> {
  requirePermission(tx.viewer, 'DEALS_WRITE')
  const id = newId()
  const row = { workspaceId: tx.workspaceId, createdAt: tx.now, updatedAt: tx.now }
  await tx.sql
    .insertInto('pipeline')
    .values({ ...row, id, name: input.name })
    .execute()
  const stages = input.stages.map((stage, position) => ({ ...row, ...stage, id: newId(), pipelineId: id, position }))
  await tx.sql.insertInto('stage').values(stages).execute()
  return { id, stageIds: stages.map((stage) => stage.id) }
}
