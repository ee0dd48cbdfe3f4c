/* eslint-disable */
import * as types from './graphql.ts';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  subscription DemoStory($after: Cursor) {\n    events(\n      after: $after\n      filter: {\n        types: [\n          SUBMISSION_RECEIVED\n          SUBMISSION_QUALIFIED\n          DEAL_CREATED\n          APPROVAL_REQUESTED\n          EFFECT_CONFIRMED\n          RUN_WAITING\n          RUN_FINISHED\n        ]\n      }\n    ) {\n      id\n      type\n      occurredAt\n      summary\n      actor {\n        name\n      }\n    }\n  }\n": typeof types.DemoStoryDocument,
    "\n  subscription DemoEnds($after: Cursor) {\n    events(after: $after, filter: { types: [RUN_WAITING, RUN_FINISHED] }) {\n      id\n      type\n    }\n  }\n": typeof types.DemoEndsDocument,
    "\n  query DemoStart {\n    cursor\n    viewer {\n      workspace {\n        name\n      }\n    }\n  }\n": typeof types.DemoStartDocument,
    "\n  query DemoOutcomes($ids: [ID!]!) {\n    submissions(first: 100, filter: { id: { in: $ids } }) {\n      nodes {\n        id\n        status\n        qualified\n        contact {\n          id\n        }\n        deal {\n          id\n        }\n        runs {\n          id\n          status\n          rehearsal\n          cost {\n            micros\n          }\n          employee {\n            name\n          }\n        }\n      }\n    }\n  }\n": typeof types.DemoOutcomesDocument,
};
const documents: Documents = {
    "\n  subscription DemoStory($after: Cursor) {\n    events(\n      after: $after\n      filter: {\n        types: [\n          SUBMISSION_RECEIVED\n          SUBMISSION_QUALIFIED\n          DEAL_CREATED\n          APPROVAL_REQUESTED\n          EFFECT_CONFIRMED\n          RUN_WAITING\n          RUN_FINISHED\n        ]\n      }\n    ) {\n      id\n      type\n      occurredAt\n      summary\n      actor {\n        name\n      }\n    }\n  }\n": types.DemoStoryDocument,
    "\n  subscription DemoEnds($after: Cursor) {\n    events(after: $after, filter: { types: [RUN_WAITING, RUN_FINISHED] }) {\n      id\n      type\n    }\n  }\n": types.DemoEndsDocument,
    "\n  query DemoStart {\n    cursor\n    viewer {\n      workspace {\n        name\n      }\n    }\n  }\n": types.DemoStartDocument,
    "\n  query DemoOutcomes($ids: [ID!]!) {\n    submissions(first: 100, filter: { id: { in: $ids } }) {\n      nodes {\n        id\n        status\n        qualified\n        contact {\n          id\n        }\n        deal {\n          id\n        }\n        runs {\n          id\n          status\n          rehearsal\n          cost {\n            micros\n          }\n          employee {\n            name\n          }\n        }\n      }\n    }\n  }\n": types.DemoOutcomesDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription DemoStory($after: Cursor) {\n    events(\n      after: $after\n      filter: {\n        types: [\n          SUBMISSION_RECEIVED\n          SUBMISSION_QUALIFIED\n          DEAL_CREATED\n          APPROVAL_REQUESTED\n          EFFECT_CONFIRMED\n          RUN_WAITING\n          RUN_FINISHED\n        ]\n      }\n    ) {\n      id\n      type\n      occurredAt\n      summary\n      actor {\n        name\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DemoStoryDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription DemoEnds($after: Cursor) {\n    events(after: $after, filter: { types: [RUN_WAITING, RUN_FINISHED] }) {\n      id\n      type\n    }\n  }\n"): typeof import('./graphql.ts').DemoEndsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DemoStart {\n    cursor\n    viewer {\n      workspace {\n        name\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DemoStartDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DemoOutcomes($ids: [ID!]!) {\n    submissions(first: 100, filter: { id: { in: $ids } }) {\n      nodes {\n        id\n        status\n        qualified\n        contact {\n          id\n        }\n        deal {\n          id\n        }\n        runs {\n          id\n          status\n          rehearsal\n          cost {\n            micros\n          }\n          employee {\n            name\n          }\n        }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DemoOutcomesDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
