// What was chosen for this visit.
export const choice = $state({ quality: 'auto' });
