import { forbidden } from '../../platform/lib/errors.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { internalTool, type Tool } from '../../platform/tools/tool.ts'
import { type InboxMessageContent, inboxMessageContent } from './model.ts'
import { sendInboxMessage } from './service.ts'

const sendInboxMessageTool = internalTool<InboxMessageContent>({
  name: 'send_inbox_message',
  description:
    'Writes to the people you work for, in their inbox: what you found out, did, or need them to know. Nothing leaves the house.',
  input: inboxMessageContent,
  risk: 'INTERNAL_WRITE',
  reversible: false,
  title: async (_tx, { subject }) => `Tell the team: ${subject}`,
  run: async (tx, content) => {
    // Only an employee has a voice of its own here; people have other ways.
    if (tx.viewer.kind !== 'employee') throw forbidden('INBOX_WRITE')
    const { employeeId, runId } = tx.viewer
    const { id } = await sendInboxMessage(tx, { ...content, employeeId, runId })
    return { output: { message: encodeId('inbox_message', id) } }
  },
})

export const inboxTools: readonly Tool[] = [sendInboxMessageTool]
