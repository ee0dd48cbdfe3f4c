import { graphql } from '../../client/gql/gql.ts'

/** What a person wants to see of a lead on its way. */
export const DemoStory = graphql(`
  subscription DemoStory($after: Cursor) {
    events(
      after: $after
      filter: {
        types: [
          SUBMISSION_RECEIVED
          SUBMISSION_QUALIFIED
          DEAL_CREATED
          APPROVAL_REQUESTED
          EFFECT_CONFIRMED
          RUN_WAITING
          RUN_FINISHED
        ]
      }
    ) {
      id
      type
      occurredAt
      summary
      actor {
        name
      }
    }
  }
`)

/** Only the ends: what a long run of leads is counted by. */
export const DemoEnds = graphql(`
  subscription DemoEnds($after: Cursor) {
    events(after: $after, filter: { types: [RUN_WAITING, RUN_FINISHED] }) {
      id
      type
    }
  }
`)

export const DemoStart = graphql(`
  query DemoStart {
    cursor
    viewer {
      workspace {
        name
      }
    }
  }
`)

export const DemoOutcomes = graphql(`
  query DemoOutcomes($ids: [ID!]!) {
    submissions(first: 100, filter: { id: { in: $ids } }) {
      nodes {
        id
        status
        qualified
        contact {
          id
        }
        deal {
          id
        }
        runs {
          id
          status
          rehearsal
          cost {
            micros
          }
          employee {
            name
          }
        }
      }
    }
  }
`)
