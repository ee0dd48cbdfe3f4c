import { z } from 'zod'
import type { Tx } from '../../platform/db/transaction.ts'
import { decodeId, encodeId } from '../../platform/lib/ids.ts'
import { internalTool, type Tool } from '../../platform/tools/tool.ts'
import { contactNames } from './loaders.ts'
import { FILLABLE_FIELDS, normalisePhone } from './model.ts'
import { completeContact } from './service.ts'

const text = (description: string) => z.string().trim().min(1).max(255).optional().describe(description)

const updateContactToolInput = z.object({
  contact: z.string().describe('The id of the contact, contact_….'),
  fields: z
    .object({
      name: text("The person's name, at least two letters.").pipe(z.string().min(2).optional()),
      phone: z
        .string()
        .refine(
          (phone) => normalisePhone(phone) !== undefined,
          'Write the number with its country code, as in +49 30 123456.',
        )
        .optional()
        .describe('The phone number with its country code, as in +49 30 123456.'),
      companyName: text('Where the person works.'),
    })
    .describe('What is known now. Only fields that are empty so far are filled.'),
})
type UpdateContactToolInput = z.output<typeof updateContactToolInput>

const updateContactTool = internalTool<UpdateContactToolInput>({
  name: 'update_contact',
  description:
    'Completes a contact: fills the fields that are empty so far and leaves what is there. Says what was filled and what was kept.',
  input: updateContactToolInput,
  risk: 'INTERNAL_WRITE',
  reversible: true,
  title: async (tx, input) => `Complete the contact ${await nameOf(tx, input.contact)}`,
  run: async (tx, { contact: publicId, fields }) => {
    const id = decodeId('contact', publicId, 'Contact')
    const phone = fields.phone === undefined ? undefined : normalisePhone(fields.phone)
    const { contact, filled } = await completeContact(tx, id, { ...fields, phone })
    const kept = FILLABLE_FIELDS.filter((field) => fields[field] !== undefined && !filled.includes(field))
    return {
      output: {
        contact: encodeId('contact', id),
        filled,
        kept: kept.map((field) => ({ field, value: contact[field] })),
      },
    }
  },
})

async function nameOf(tx: Tx, publicId: string): Promise<string> {
  const id = decodeId('contact', publicId, 'Contact')
  return (await contactNames(tx.sql, [id])).get(id) ?? publicId
}

export const contactTools: readonly Tool[] = [updateContactTool]
