/**
 * Pain 11, accepted events are gone after a crash: is everything there that was accepted before `kill -9`? What is saved
 * every second, or less often, is caught by lives that are longer.
 */
import { goneAfterKills } from '../lesson-kit/killed.ts';

export const goneAfterCrash = goneAfterKills([1_300, 1_300]);
