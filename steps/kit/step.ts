export async function stepCommand(_args: string[]): Promise<void> {}
export async function stepsCommand(_args: string[]): Promise<void> {}
