from zorgpad.sample.simulate import simulate_register
