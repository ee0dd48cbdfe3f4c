import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'

/** Who is asking; domains add what they know of the caller. */
export const Viewer = builder.objectRef<GraphQLContext>('Viewer')
