import { sql } from 'kysely'
import type { Tx } from '../../platform/db/transaction.ts'
import { invalidInput } from '../../platform/lib/errors.ts'
import { settingsOf } from '../settings/model.ts'
import type { FormLimits } from './model.ts'

/*
 * What a workspace has set as the limits of its forms, where a form is made or changed. A field must not have the honeypot's
 * name, whose ever it is: so whoever changes a form holds the workspace's settings, and whoever changes those looks at the
 * forms that there are by then.
 */

/** The limits that the workspace's forms have by default. They stay what they are until the transaction ends. */
export async function holdLimitsByDefault(tx: Tx): Promise<FormLimits> {
  const { settings } = await tx.sql.selectFrom('workspace').select('settings').forShare().executeTakeFirstOrThrow()
  return settingsOf(settings).formLimits
}

/**
 * Throws INVALID_INPUT where a form without a honeypot of its own has a field of this name, in its draft or its published
 * version. With the workspace's row locked.
 */
export async function assertHoneypotIsNoField(tx: Tx, honeypot: string | null): Promise<void> {
  if (honeypot === null) return
  const field = JSON.stringify({ fields: [{ key: honeypot }] })
  const form = await tx.sql
    .selectFrom('form')
    .leftJoin('formVersion', (join) =>
      join.onRef('formVersion.formId', '=', 'form.id').onRef('formVersion.number', '=', 'form.publishedVersion'),
    )
    .select('form.name')
    .where('form.status', '!=', 'ARCHIVED')
    .where(sql<boolean>`not form.limits ? 'honeypot'`)
    .where(sql<boolean>`(form.draft @> ${field}::jsonb or form_version.definition @> ${field}::jsonb)`)
    .orderBy('form.createdAt')
    .limit(1)
    .executeTakeFirst()
  if (form === undefined) return
  const message = `A field of the form ${form.name} has the key ${honeypot}; the honeypot needs a name of its own.`
  throw invalidInput([{ path: ['formLimits', 'honeypot'], code: 'DUPLICATE', message }])
}
