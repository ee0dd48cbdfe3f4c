import { createCostBudgets } from '../../src/platform/auth/cost-budgets.ts'
import { type Admission, createAdmission } from '../../src/platform/graphql/admission.ts'
import type { Engine } from '../../src/platform/graphql/engine.ts'
import { createTrustedDocuments } from '../../src/platform/graphql/trusted-documents.ts'

/** Every operation of the engine gets in, as far as a million a minute goes. */
export function openAdmission(engine: Engine): Admission {
  return createAdmission({
    engine,
    budgets: createCostBudgets({ perMinute: 1_000_000, perMinuteAnonymous: 1_000_000 }),
    documents: createTrustedDocuments({ known: new Map(), only: false, introspection: true, limits: engine.limits }),
  })
}
