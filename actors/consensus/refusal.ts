// Why a group refuses an operation: the words of the fault schedules, and of `ConsensusError.refusal`.

// biome-ignore format: a list of words
export const REFUSALS = [
  'notLeader', 'changeInProgress', 'notReady', 'notCaughtUp', 'notMember', 'alreadyMember', 'isLearner', 'transferring',
  'sessionExpired', 'noQuorum', 'tooLarge', 'rateLimited', 'unsupported',
] as const

export type Refusal = (typeof REFUSALS)[number]
