// Why a group refuses an operation: the words of the fault schedules, and of `ConsensusError.refusal`.

export { REFUSALS, type Refusal } from '../../src/simulation/refusals.ts'
