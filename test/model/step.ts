/** Makes the commands of a model: of what each is called, what it does, and when it can. Behind each `expectSame` runs. */
import type fc from 'fast-check';

type CanRun<Model> = (model: Readonly<Model>) => boolean;

export const stepsOf =
  <Model extends object, Real>(expectSame: (model: Model, real: Real) => void) =>
  (
    name: string,
    run: (model: Model, real: Real) => void,
    check: CanRun<Model> = () => true,
  ): fc.Command<Model, Real> => ({
    check,
    run: (model, real) => {
      run(model, real);
      expectSame(model, real);
    },
    toString: () => name,
  });

/** The same where `expectSame` has to wait, and `run` may. */
export const asyncStepsOf =
  <Model extends object, Real>(expectSame: (model: Model, real: Real) => Promise<void>) =>
  (
    name: string,
    run: (model: Model, real: Real) => unknown,
    check: CanRun<Model> = () => true,
  ): fc.AsyncCommand<Model, Real> => ({
    check,
    run: async (model, real) => {
      await run(model, real);
      await expectSame(model, real);
    },
    toString: () => name,
  });
