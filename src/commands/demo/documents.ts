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

/** Everything: what the log is compared with when the server was killed under it. */
export const DemoEverything = graphql(`
  subscription DemoEverything($after: Cursor) {
    events(after: $after) {
      id
      type
    }
  }
`)

export const DemoLog = graphql(`
  query DemoLog($from: Cursor!, $after: String) {
    events(first: 100, from: $from, after: $after) {
      nodes {
        id
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`)

export const DemoTeam = graphql(`
  query DemoTeam {
    employees(first: 10) {
      nodes {
        name
        title
        activity {
          state
          text
        }
      }
    }
  }
`)

export const DemoInFlight = graphql(`
  query DemoInFlight {
    runs(first: 1, filter: { status: { eq: RUNNING } }) {
      totalCount
    }
  }
`)

export const DemoDeals = graphql(`
  query DemoDeals {
    deals(first: 1) {
      totalCount
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
    submissions(first: 50, filter: { id: { in: $ids } }) {
      nodes {
        id
        receivedAt
        contact {
          id
          createdAt
        }
        deal {
          id
        }
        runs {
          id
          status
          waitingFor {
            name
          }
          rehearsal
          model
          cost {
            micros
          }
          tokens {
            input
            output
            cacheRead
            cacheWrite
          }
        }
      }
    }
  }
`)
