// What a replica says must be true of its disk when it says so: its term, its vote, the entries it acknowledges.

import type { AppendReply, Message, VoteReply } from '../core/message.ts'
import type { ReplicaRecord } from './replica-record.ts'
import type { Violation } from './rules.ts'

/** What is not true of a message; `leader`: who leads the message's term, if known. */
export function untruthOf(
  record: ReplicaRecord,
  message: Message,
  leader: ReplicaRecord | undefined,
): Violation | undefined {
  if (message.kind === 'voteReply') return termUntruth(record, message) ?? voteUntruth(record, message)
  if (message.kind === 'appendReply') return termUntruth(record, message) ?? matchUntruth(record, message, leader)
  return undefined
}

function termUntruth({ key, hardState }: ReplicaRecord, { term }: VoteReply | AppendReply): Violation | undefined {
  const durable = hardState?.term ?? 0
  return durable >= term ? undefined : untrue(`${key} answers in term ${term}, and has term ${durable} on its disk`)
}

function voteUntruth({ key, hardState }: ReplicaRecord, { term, granted }: VoteReply): Violation | undefined {
  const isVoted = hardState?.term !== term || hardState.votedFor !== undefined
  return !granted || isVoted ? undefined : untrue(`${key} votes in term ${term}, and has no vote on its disk`)
}

function matchUntruth(
  { key, durable }: ReplicaRecord,
  { outcome, term }: AppendReply,
  leader: ReplicaRecord | undefined,
): Violation | undefined {
  if (!outcome.accepted) return undefined
  const { match } = outcome
  if (durable.lastIndex < match) return untrue(`${key} acknowledges ${match}, and has ${durable.lastIndex} on its disk`)
  const meant = leader?.term === term ? leader.log.termAt(match) : undefined
  return meant === undefined || durable.holds(match, meant)
    ? undefined
    : untrue(`${key} acknowledges ${match}, and has another entry there`)
}

function untrue(why: string): Violation {
  return { rule: 'durable before said', why }
}
