import { prepareCuda, workersForThisMachine } from '../../src/config/runtime';
import { placementsOn } from '../../src/server/provider';

describe('the workers', () => {
  it('are one for each device with CUDA, and with the CPU as many as its cores suggest', () => {
    expect(placementsOn('cuda', { workers: 'auto', cudaDevices: [0, 3] })).toEqual([
      { provider: 'cuda', device: 0 },
      { provider: 'cuda', device: 3 },
    ]);
    expect(placementsOn('cpu', { workers: 'auto', cudaDevices: [0, 3] })).toEqual(
      Array.from({ length: workersForThisMachine() }, () => ({ provider: 'cpu' })),
    );
  });

  it('are as many as asked for, and take the devices in turn', () => {
    const devices = placementsOn('cuda', { workers: 3, cudaDevices: [1, 0] });
    expect(devices.map((placement) => placement.provider === 'cuda' && placement.device)).toEqual([1, 0, 1]);
    expect(placementsOn('cpu', { workers: 3, cudaDevices: [1, 0] })).toHaveLength(3);
  });
});

describe('the environment of CUDA', () => {
  it('has TF32 off and devices in the order of nvidia-smi', () => {
    const environment: NodeJS.ProcessEnv = {};
    expect(prepareCuda(environment)).toEqual({ isExact: true, override: '0' });
    expect(environment).toEqual({ NVIDIA_TF32_OVERRIDE: '0', CUDA_DEVICE_ORDER: 'PCI_BUS_ID' });
  });

  it.each(['1', ''])('keeps what the operator has set: NVIDIA_TF32_OVERRIDE=%j', (override) => {
    const environment: NodeJS.ProcessEnv = {
      NVIDIA_TF32_OVERRIDE: override,
      CUDA_DEVICE_ORDER: 'FASTEST_FIRST',
    };
    const before = { ...environment };
    expect(prepareCuda(environment)).toEqual({ isExact: false, override });
    expect(environment).toEqual(before);
  });
});
