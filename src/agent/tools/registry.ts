import type { Tool as OfferedTool } from '@anthropic-ai/sdk/resources/messages/messages'
import { z } from 'zod'
import { contactTools } from '../../domains/contacts/tools.ts'
import { dealTools } from '../../domains/deals/tools.ts'
import { inboxTools } from '../../domains/inbox/tools.ts'
import type { Mailer } from '../../domains/mail/mailer.ts'
import { createMailTools } from '../../domains/mail/tools.ts'
import { recordFirstResponse } from '../../domains/submissions/service.ts'
import { submissionTools } from '../../domains/submissions/tools.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import type { Tool } from '../../platform/tools/tool.ts'

/** All tools there are, as the executor holds them and as the model is offered them. */
export interface ToolRegistry {
  readonly all: readonly Tool[]
  find(name: string): Tool | undefined
  /** The same object each time, so that the prompt's prefix stays the same bytes. */
  offered(tool: Tool): OfferedTool
}

/** Collects the domains' tools; mail goes out through `mailer`. */
export const createToolRegistry = ({ mailer }: { readonly mailer: Mailer }): ToolRegistry =>
  registryOf([
    ...submissionTools,
    ...contactTools,
    ...dealTools,
    ...inboxTools,
    ...createMailTools({ mailer, onSent: noteFirstResponse }),
  ])

/** A registry of these tools; throws when two have one name. */
export function registryOf(tools: readonly Tool[]): ToolRegistry {
  const byName = new Map(tools.map((tool) => [tool.name, tool]))
  if (byName.size !== tools.length) throw new Error('two tools have one name')
  const offers = new Map(tools.map((tool) => [tool.name, toOffer(tool)]))
  return {
    all: tools,
    find: (name) => byName.get(name),
    offered: (tool) => offers.get(tool.name) ?? toOffer(tool),
  }
}

function toOffer(tool: Tool): OfferedTool {
  const { $schema: _, ...schema } = z.toJSONSchema(tool.input, { io: 'input' })
  if (schema.type !== 'object') throw new Error(`${tool.name} takes no object`)
  return { name: tool.name, description: tool.description, input_schema: { ...schema, type: 'object' } }
}

/** The sender of the submission that the mail's run works has been answered. */
async function noteFirstResponse(tx: Tx): Promise<void> {
  if (tx.viewer.kind !== 'employee') return
  const run = await tx.sql.selectFrom('run').select('submissionId').where('id', '=', tx.viewer.runId).executeTakeFirst()
  if (run?.submissionId != null) await recordFirstResponse(tx, run.submissionId)
}
