// Colours and sizes. Every colour of text is chosen so that it has a contrast of at least 4.5 on what it stands on, in
// both themes; the tests ask axe.
import { type CSSVariablesResolver, createTheme } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'brand',
  primaryShade: 7,
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.84375rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  headings: {
    fontWeight: '620',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  colors: {
    brand: [
      '#f2f4fe', '#e5eafc', '#bfcaf7', '#9db0f4', '#8096ee', '#5f78e2', '#4861d6', '#3550c8', '#2b42ab', '#22358c',
    ],
    green: [
      '#edf8f1', '#ddf2e5', '#9fdcb6', '#7fd6a0', '#54bd7c', '#35a362', '#238a4d', '#17703a', '#115a2d', '#0c4421',
    ],
    red: [
      '#fef4f3', '#fde6e3', '#ffb3ac', '#ff9d94', '#f27a6f', '#e0594d', '#c63d32', '#b02a20', '#8d1f17', '#6d1710',
    ],
    yellow: [
      '#fef9ec', '#fcf1d6', '#f2d58a', '#e8c263', '#cfa23a', '#ab8120', '#8e6912', '#78570a', '#5f4406', '#473303',
    ],
    dark: [
      '#e6e8ee', '#b9bfcc', '#a4abba', '#6a7182', '#353a48', '#2a2f3b', '#1d2029', '#14161c', '#101218', '#0b0d11',
    ],
  },
  // By name: what a screen does not use is not loaded with it.
  components: {
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 550 } },
    Button: { defaultProps: { size: 'sm' } },
    CloseButton: { defaultProps: { 'aria-label': 'Close' } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4 } } },
    NumberInput: { defaultProps: { inputWrapperOrder: ['label', 'description', 'input', 'error'] } },
    Select: { defaultProps: { comboboxProps: { shadow: 'md' } } },
    Tabs: { defaultProps: { keepMounted: false } },
    Textarea: { defaultProps: { autosize: true, minRows: 2 } },
    TextInput: { defaultProps: { autoComplete: 'off' } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300 } },
  },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#586072',
    '--mantine-color-placeholder': '#697184',
    '--mantine-color-error': '#b02a20',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-gray-light-color': '#454c5c',
    '--mantine-color-gray-outline': '#586072',
    '--ui-page': '#f7f8fa',
    '--ui-line': '#e1e4ea',
    '--ui-code': '#f1f3f7',
  },
  dark: {
    '--mantine-color-dimmed': '#a4abba',
    '--mantine-color-placeholder': '#8d95a6',
    '--mantine-color-error': '#ff9d94',
    '--mantine-color-body': '#1a1d25',
    '--mantine-color-gray-light-color': '#c3c8d4',
    // The library would take colours from the ends of the scales, in which red, green and blue are all nearly white.
    '--mantine-color-brand-light': 'rgb(128 150 238 / 16%)',
    '--mantine-color-brand-light-hover': 'rgb(128 150 238 / 24%)',
    '--mantine-color-brand-light-color': '#b3c2f8',
    '--mantine-color-green-light': 'rgb(84 189 124 / 16%)',
    '--mantine-color-green-light-hover': 'rgb(84 189 124 / 24%)',
    '--mantine-color-green-light-color': '#8fdaab',
    '--mantine-color-red-light': 'rgb(242 122 111 / 16%)',
    '--mantine-color-red-light-hover': 'rgb(242 122 111 / 24%)',
    '--mantine-color-red-light-color': '#ffa79f',
    '--mantine-color-yellow-light': 'rgb(207 162 58 / 16%)',
    '--mantine-color-yellow-light-hover': 'rgb(207 162 58 / 24%)',
    '--mantine-color-yellow-light-color': '#f2d58a',
    '--ui-page': '#14161c',
    '--ui-line': '#2d323e',
    '--ui-code': '#242832',
  },
});
