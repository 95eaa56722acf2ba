// Why a group refuses an operation: the words of the fault schedules, and of every replicated group. Nothing else may enter:
// production code loads this file, and nothing more of this room.

/** In the order of their numbers on the wire: add at the end. */
// biome-ignore format: a list of words
export const REFUSALS = [
  'notLeader', 'changeInProgress', 'notReady', 'notCaughtUp', 'notMember', 'alreadyMember', 'isLearner', 'transferring',
  'sessionExpired', 'noQuorum', 'tooLarge', 'rateLimited', 'unsupported',
] as const

/** Why an operation was refused, as schedules name it. */
export type Refusal = (typeof REFUSALS)[number]
