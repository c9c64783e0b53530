/**
 * Pain 18, accepted events were only in a cache: is everything there that was accepted before `kill -9`? The lives are of
 * five lengths, so that a kill comes at any time between one flush of the cache and the next, and sometimes before the
 * first.
 */
import { goneAfterKills } from '../lesson-kit/killed.ts';

export const goneWithCache = goneAfterKills([330, 1_130, 530, 930, 730]);
