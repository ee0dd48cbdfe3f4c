import type { Workspace } from './house.ts'
import { documentOf, mutations, placesOf } from './operations.ts'
import { findOwnCall, requestOf } from './own-calls.ts'

/** Creates more of everything, so that what one mutation uses up the next one does not lack. */
export async function makePlenty(workspace: Workspace): Promise<void> {
  for (const operation of mutations.filter(({ name }) => name.startsWith('create'))) {
    const call = await findOwnCall(operation, workspace, workspace.all)
    const named = placesOf(operation).find(({ path }) => /^input\.(name|title)$/.test(path))?.path
    for (let n = 0; n < 4; n++) {
      const more = named === undefined ? {} : { [named]: `One more, ${n}` }
      await workspace.all.ask(requestOf(documentOf(operation, 0), operation, call, more))
    }
  }
}
