import { describe, expect, it } from 'vitest';

import { contrast, fitForWhite, isColour } from './colours.ts';

describe('colours of a brand', () => {
  it('takes what the server takes', () => {
    expect(['#635dff', '#ABC', ' #abc ', 'red', '#abcd', '#ggg', ''].filter(isColour)).toEqual(['#635dff', '#ABC', ' #abc ']);
  });

  it('measures contrast as WCAG does', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
    expect(contrast('#fff', '#ffffff')).toBeCloseTo(1);
    expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 1);
  });

  it('says when white text is not legible', () => {
    expect(fitForWhite('#4050c0')).toBe(true);
    expect(fitForWhite('#ffee00')).toBe(false);
  });
});
